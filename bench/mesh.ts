/** What a unary call costs by the full mesh and by bare grpc-js: processor time of both sides together, and latency. */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { median, printTable } from "./measure.js";

const ROUNDS = 7;
const CALLS = 6_000;
const AT_ONCE = 32;
const ALONE = 1_500;

const SECRET = Buffer.alloc(32, 7).toString("base64");
const variables = { MESH_SECRET: SECRET, STORAGE_LISTEN: "127.0.0.1:0", OPS_LISTEN: "127.0.0.1:0" };

interface Sample {
  readonly clientUs: number;
  readonly serverUs: number;
  readonly p50Us: number;
}

/** A pair of processes, of which one calls the other. */
interface Pair {
  sample(): Promise<Sample>;
  stop(): void;
}

async function startPair(runtime: "bare" | "mesh", logLevel: string): Promise<Pair> {
  const start = (args: readonly string[]) =>
    fork(join(import.meta.dirname, "mesh-process.js"), args, {
      env: { PATH: process.env.PATH, LOG_LEVEL: logLevel, ...variables },
      // What it logs is written, and goes nowhere.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  const server = start(["server", runtime]);
  const { address } = await answer(server);
  const client = start(["client", runtime, String(address), SECRET]);
  await answer(client);
  const ask = async (child: ChildProcess, message: object | string) => {
    const told = answer(child);
    child.send(message);
    return told;
  };
  const cpuUs = async () => {
    const [one, other] = [await ask(client, "cpu"), await ask(server, "cpu")];
    return [Number(one.cpuUs), Number(other.cpuUs)] as const;
  };
  return {
    async sample() {
      const { p50Us } = await ask(client, { calls: ALONE, atOnce: 1 });
      const before = await cpuUs();
      await ask(client, { calls: CALLS, atOnce: AT_ONCE });
      const after = await cpuUs();
      return {
        clientUs: (after[0] - before[0]) / CALLS,
        serverUs: (after[1] - before[1]) / CALLS,
        p50Us: Number(p50Us),
      };
    },
    stop() {
      client.kill("SIGKILL");
      server.kill("SIGKILL");
    },
  };
}

async function answer(child: ChildProcess): Promise<Readonly<Record<string, unknown>>> {
  const message = await new Promise<unknown>((resolve) => child.once("message", resolve));
  return typeof message === "object" && message !== null ? Object.fromEntries(Object.entries(message)) : {};
}

const kinds = ["bare grpc-js", "mesh", "mesh, access log off"] as const;
const pairs = [await startPair("bare", "info"), await startPair("mesh", "info"), await startPair("mesh", "warn")];
const samples = pairs.map((): Sample[] => []);
try {
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, pair] of pairs.entries()) {
      const sample = await pair.sample();
      // The first warms both sides up.
      if (round > 0) samples[index]?.push(sample);
    }
  }
} finally {
  for (const pair of pairs) pair.stop();
}
const of = (index: number, pick: (sample: Sample) => number) => median((samples[index] ?? []).map(pick));
const cpu = (index: number) => of(index, ({ clientUs, serverUs }) => clientUs + serverUs);
const p50 = (index: number) => of(index, ({ p50Us }) => p50Us);
console.log(`Medians of ${ROUNDS} interleaved rounds, plaintext, microseconds a call`);
printTable(
  ["", "CPU client", "CPU server", "CPU", "more", "ratio", "p50", "more"],
  kinds.map((name, index) => [
    name,
    of(index, ({ clientUs }) => clientUs),
    of(index, ({ serverUs }) => serverUs),
    cpu(index),
    cpu(index) - cpu(0),
    cpu(index) / cpu(0),
    p50(index),
    p50(index) - p50(0),
  ]),
);
