import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient, type Client } from "@reelmesh/mesh/client.js";
import type { ServiceDefinition } from "@reelmesh/mesh/definition.js";
import { createKeys, type Keys } from "@reelmesh/mesh/secret.js";
import { createTokens, type Tokens } from "@reelmesh/mesh/tokens.js";
import { build } from "esbuild";
import { environmentOf, SECRET } from "../../../../packages/mesh/test/support/mesh.js";

const ROOT = join(__dirname, "../../../..");

/** Builds program.ts with the sources it stands on into a folder: what runs is always what is tested. */
export async function buildProgram(folder: string): Promise<string> {
  const file = join(folder, "program.mjs");
  await mkdir(folder, { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await build({
    entryPoints: [join(__dirname, "program.ts")],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["reelmesh-source"],
    plugins: [
      {
        name: "packages",
        setup: (host) => {
          // What npm brings stays outside; what is ours is bundled from its sources.
          host.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith("@reelmesh/") ? undefined : { path, external: true },
          );
        },
      },
    ],
    logLevel: "warning",
  });
  return file;
}

/** The program at work. */
export interface Program {
  readonly keys: Keys;
  readonly tokens: Tokens;
  client<S extends ServiceDefinition>(module: string, definition: S, caller: string): Client<S>;
  /** Ends it as a power cut would. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** Runs the built program over a data folder, and waits until it serves. */
export async function startProgram(file: string, data: string): Promise<Program> {
  const names = ["storage", "catalog", "upload"].map((name) => ({ name }));
  const env = { PATH: process.env.PATH, ...environmentOf(names), LOG_LEVEL: "silent", REELMESH_DATA: data };
  const child = spawn(process.execPath, [file], {
    env: { ...env, UPLOAD_RECONCILE_SECONDS: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const addresses = await addressesOf(createInterface(child.stdout));
  const keys = createKeys([Buffer.from(SECRET, "base64")]);
  const tokens = createTokens(keys);
  const channels: { close(): void }[] = [];
  return {
    keys,
    tokens,
    client(module, definition, caller) {
      const channel = openChannel(module, String(addresses.get(module)), caller, tokens);
      channels.push(channel);
      return createClient(definition, channel);
    },
    async kill() {
      child.kill("SIGKILL");
      await gone;
      for (const channel of channels.splice(0)) channel.close();
    },
  };
}

async function addressesOf(lines: AsyncIterable<string>): Promise<ReadonlyMap<string, unknown>> {
  for await (const line of lines) {
    const addresses: unknown = line.startsWith("ready ") ? JSON.parse(line.slice("ready ".length)) : undefined;
    if (typeof addresses === "object" && addresses !== null) return new Map(Object.entries(addresses));
  }
  throw new Error("It ended before it was ready");
}
