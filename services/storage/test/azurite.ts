import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** Azurite's well-known development account. */
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** An emulator of Azure Blob Storage at work, with nothing in it that outlives it. */
export interface Azurite {
  readonly connectionString: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** @param port the loopback port. 0: any free one. */
export async function startAzurite(port = 0): Promise<Azurite> {
  const main = createRequire(__filename).resolve("azurite/dist/src/blob/main.js");
  const options = ["--blobHost", "127.0.0.1", "--blobPort", String(port), "--inMemoryPersistence"];
  const child = spawn(process.execPath, [main, ...options, "--skipApiVersionCheck", "--disableTelemetry", "--silent"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const bound = await listening(child);
  return {
    port: bound,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${KEY};BlobEndpoint=http://127.0.0.1:${bound}/devstoreaccount1;`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function listening({ stdout }: ChildProcess): Promise<number> {
  if (!stdout) throw new Error("Azurite has no output");
  for await (const line of createInterface(stdout)) {
    const port = /listens on http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
    if (port !== undefined) {
      stdout.resume();
      return Number(port);
    }
  }
  throw new Error("Azurite ended before it listened");
}
