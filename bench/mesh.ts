/**
 * What a unary call costs by the full mesh and by bare grpc-js, in plaintext and with mTLS: processor time of both sides
 * together, and latency.
 *
 * Each kind is a pair of processes of its own, and all take turns in every round. Bare grpc-js carries the same message
 * and a deadline, and nothing else; the mesh has all of it on, as in production: balancing, budgets, tokens of a service
 * and of a person, traces, metrics, admission, the line in the log.
 */
import { fork, type ChildProcess } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certify, createAuthority } from "@reelmesh/mesh/identity/authority.js";
import { median, printTable } from "./measure.js";

const ROUNDS = 7;
const CALLS = 6_000;
const AT_ONCE = 32;
const ALONE = 1_500;

type Variables = Readonly<Record<string, string>>;

interface Sample {
  readonly clientUs: number;
  readonly serverUs: number;
  readonly p50Us: number;
}

interface Kind {
  readonly name: string;
  readonly runtime: "bare" | "mesh";
  readonly variables: Variables;
}

/** A pair of processes, of which one calls the other. */
interface Pair {
  sample(): Promise<Sample>;
  stop(): void;
}

async function startPair({ runtime, variables }: Kind): Promise<Pair> {
  const start = (args: readonly string[], more: Variables = {}) =>
    fork(join(import.meta.dirname, "mesh-process.js"), args, {
      env: { PATH: process.env.PATH, ...common, ...variables, ...more },
      // What it logs is written, and goes nowhere.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  const server = start(["server", runtime]);
  const address = String((await answer(server)).address);
  const client = start(["client", runtime, address], { STORAGE_ADDRESS: address });
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
  const message = await new Promise<unknown>((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", () => {
      reject(new Error("A side has ended: a call of it has failed"));
    });
  });
  child.removeAllListeners("exit");
  return typeof message === "object" && message !== null ? Object.fromEntries(Object.entries(message)) : {};
}

/** The variables of mTLS, with one certificate that names both sides. */
function makeCertificates(folder: string): Variables {
  const authority = createAuthority();
  const { certificate, key } = certify({ key: createPrivateKey(authority.key) }, ["bench", "storage"]);
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    MESH_TLS_CERT: write("tls.crt", certificate),
    MESH_TLS_KEY: write("tls.key", key),
    MESH_TLS_CA: write("ca.crt", authority.certificate),
  };
}

const common = {
  MESH_SECRET: Buffer.alloc(32, 7).toString("base64"),
  STORAGE_LISTEN: "127.0.0.1:0",
  OPS_LISTEN: "127.0.0.1:0",
};
const folder = mkdtempSync(join(tmpdir(), "reelmesh-bench-"));
const tls = makeCertificates(folder);
const bare: Kind = { name: "bare grpc-js", runtime: "bare", variables: {} };
const bareTls: Kind = { name: "bare grpc-js, mTLS", runtime: "bare", variables: tls };
const kinds: readonly Kind[] = [
  bare,
  { name: "mesh", runtime: "mesh", variables: {} },
  { name: "mesh, access log off", runtime: "mesh", variables: { LOG_LEVEL: "warn" } },
  bareTls,
  { name: "mesh, mTLS", runtime: "mesh", variables: tls },
];
const pairs = new Map<Kind, Pair>();
const samples = new Map<Kind, Sample[]>(kinds.map((kind) => [kind, []]));
try {
  for (const kind of kinds) pairs.set(kind, await startPair(kind));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [kind, pair] of pairs) {
      const sample = await pair.sample();
      // The first warms both sides up.
      if (round > 0) samples.get(kind)?.push(sample);
    }
  }
} finally {
  for (const pair of pairs.values()) pair.stop();
  rmSync(folder, { recursive: true });
}

const of = (kind: Kind, pick: (sample: Sample) => number) => median((samples.get(kind) ?? []).map(pick));
const cpu = (kind: Kind) => of(kind, ({ clientUs, serverUs }) => clientUs + serverUs);
const p50 = (kind: Kind) => of(kind, ({ p50Us }) => p50Us);
console.log(`Medians of ${ROUNDS} interleaved rounds, microseconds a call; more: than bare grpc-js in plaintext`);
printTable(
  ["", "CPU client", "CPU server", "CPU", "more", "than bare mTLS", "ratio", "p50", "more"],
  kinds.map((kind) => [
    kind.name,
    of(kind, ({ clientUs }) => clientUs),
    of(kind, ({ serverUs }) => serverUs),
    cpu(kind),
    cpu(kind) - cpu(bare),
    kind.variables === tls ? cpu(kind) - cpu(bareTls) : "",
    cpu(kind) / cpu(bare),
    p50(kind),
    p50(kind) - p50(bare),
  ]),
);
