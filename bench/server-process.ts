import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A server in a process of its own. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  /** From its start until it said where it is. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

const ROOT = join(import.meta.dirname, "../..");
const PORTS = ["STORAGE", "CATALOG", "UPLOAD", "STREAMING", "GATEWAY", "OPS"];

/** Starts what `npm start` starts, on free ports and an empty folder. */
export async function startReelmesh(): Promise<ServerProcess> {
  const data = mkdtempSync(join(tmpdir(), "reelmesh-bench-"));
  const ports = Object.fromEntries(PORTS.map((name) => [`${name}_LISTEN`, "127.0.0.1:0"]));
  const started = await start([join(ROOT, "services/dist/all.js")], { ...ports, REELMESH_DATA: data });
  return {
    ...started,
    async stop() {
      await started.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Starts a script that prints the address it serves at, last on a line. */
export async function start(args: readonly string[], variables: Record<string, string>): Promise<ServerProcess> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await addressOf(child);
  return {
    pid: child.pid ?? 0,
    url,
    readyMs: performance.now() - begun,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error("The process has no output");
  for await (const line of createInterface(stdout)) {
    const url = /(http:\/\/\S+)$/.exec(line)?.[1];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error("The process ended before it was ready");
}
