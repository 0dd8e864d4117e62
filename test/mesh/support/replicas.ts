import { Client, credentials, type ChannelOptions as GrpcOptions } from "@grpc/grpc-js";
import { build as bundle, type Plugin } from "esbuild";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openChannel, DEADLINE_MS, type ChannelOptions } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import type { MeshObserver } from "@reelmesh/mesh/observe/events.js";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { SECRET, afterTest, environmentOf } from "../../../packages/mesh/test/support/mesh.js";

const ROOT = join(__dirname, "../../..");

/** A program of this folder, built. */
export interface Built {
  readonly file: string;
  remove(): Promise<void>;
}

/** Builds a program of this folder, and our own sources that it stands on, into a temporary one. */
export async function buildReplica(
  source: "replica.ts" | "replica-bare.ts" | "replica-storage.ts" | "replica-edge.ts",
): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), "reelmesh-replica-"));
  const file = join(folder, "replica.mjs");
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await bundle({
    entryPoints: [join(__dirname, source)],
    outfile: file,
    bundle: true,
    conditions: ["reelmesh-source"],
    plugins: [OTHERS_STAY],
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** What comes from npm is found beside the program. */
const OTHERS_STAY: Plugin = {
  name: "others stay",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" || path.startsWith("@reelmesh/") ? undefined : { path, external: true },
    );
  },
};

/** A process that serves at one address, through all its lives. */
export interface Replica {
  /** host:port */
  readonly address: string;
  /** Resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it anew where it was; resolves when it serves. */
  begin(): Promise<void>;
}

/** Starts a built program, which is killed when the test has ended. It listens as STORAGE_LISTEN says. */
export async function startReplica(
  { file }: Built,
  variables: Readonly<Record<string, string>> = {},
): Promise<Replica> {
  const address = `127.0.0.1:${await findPort()}`;
  const env = { ...environmentOf([]), LOG_LEVEL: "silent", STORAGE_LISTEN: address, ...variables };
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const begin = async () => {
    const started = spawn(process.execPath, [file], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = started;
    for await (const line of createInterface(started.stdout)) {
      if (!line.startsWith("ready ")) continue;
      started.stdout.resume();
      return;
    }
    throw new Error("It ended before it was ready");
  };
  afterTest(() => end("SIGKILL"));
  await begin();
  return { address, end, begin };
}

/**
 * A free port below those that the system gives to who connects: where nobody listens for a while, a connection from
 * that very port would be one with itself, and hold it.
 */
async function findPort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => {
        resolve(false);
      });
      server.listen(port, "127.0.0.1", () => {
        resolve(true);
      });
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

const TOKENS = createTokens(createKeys([Buffer.from(SECRET, "base64")]));

/** A client as a service of the mesh has it, of all its replicas. */
export function meshClient(
  replicas: readonly Pick<Replica, "address">[],
  observer: MeshObserver = {},
  { unaryMs = DEADLINE_MS.unary, ...options }: ChannelOptions & { readonly unaryMs?: number } = {},
) {
  const deadlines = { ...DEADLINE_MS, unary: unaryMs };
  const addresses = replicas.map(({ address }) => address).join();
  const channel = openChannel("storage", addresses, "tester", TOKENS, deadlines, observer, options);
  afterTest(() => {
    channel.close();
  });
  return createClient(StorageServiceDefinition, channel);
}

/** A client as grpc-js has it: round_robin, and nothing else asked of it. */
export function bareClient(replicas: readonly Pick<Replica, "address">[], options: GrpcOptions = {}) {
  const target = `ipv4:${replicas.map(({ address }) => address).join()}`;
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
  afterTest(() => {
    client.close();
  });
  return client;
}

/** A token as services bear it, for calls made by grpc-js alone. */
export const serviceToken = () => TOKENS.forService("tester");

/** States what was counted, for whoever reads the run. */
export function tell(what: string, counted: Readonly<Record<string, number | string>>): void {
  const counts = Object.entries(counted).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(`  ${what}: ${counts.join(", ")}\n`);
}
