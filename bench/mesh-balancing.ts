/** Three replicas of which one misbehaves, called through our balancer and through grpc-js's own, side by side. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Client, Metadata, credentials, type ChannelOptions, type ServiceError } from "@grpc/grpc-js";
import { balanced } from "@reelmesh/mesh/balancing/balanced.js";
import { printTable } from "./measure.js";

/** Calls at a time through each balancer, each followed by a pause: the replicas are far from busy. */
const CALLERS = 10;
const PAUSE_MS = 10;
const WARM_MS = 3_000;
const MEASURE_MS = 8_000;
const DEADLINE_MS = 2_000;

interface Replica {
  readonly address: string;
  readonly child: ChildProcess;
  tell(line: string): void;
}

async function startReplica(): Promise<Replica> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "balancing-replica.js")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  for await (const address of createInterface(child.stdout)) {
    child.stdout.resume();
    return { address, child, tell: (line) => void child.stdin.write(`${line}\n`) };
  }
  throw new Error("A replica did not start");
}

interface Balancer {
  readonly name: string;
  open(addresses: readonly string[]): { target: string; options: ChannelOptions };
}

const RECONNECT = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 2_000 };
const bare = (name: string): Balancer => ({
  name,
  open: (addresses) => ({
    target: `ipv4:${addresses.join()}`,
    options: { ...RECONNECT, "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [name]: {} }] }) },
  }),
});
const BALANCERS: readonly Balancer[] = [
  {
    name: "reelmesh",
    open(addresses) {
      const { target, options } = balanced(addresses.join(), { caller: "bench", service: "echo" });
      return { target, options: { ...RECONNECT, ...options } };
    },
  },
  bare("round_robin"),
  bare("pick_first"),
];

interface Results {
  readonly latencies: number[];
  failed: number;
}

const asIs = (bytes: Buffer) => bytes;
const call = (client: Client) =>
  new Promise<boolean>((resolve) => {
    const answered = (error: ServiceError | null) => {
      resolve(error === null);
    };
    const deadline = Date.now() + DEADLINE_MS;
    client.makeUnaryRequest("/bench.Echo/Call", asIs, asIs, Buffer.alloc(0), new Metadata(), { deadline }, answered);
  });

/** Calls again and again until told to stop; what is measured is what began after `from`. */
async function callOften(client: Client, results: Results, from: number, until: number): Promise<void> {
  while (performance.now() < until) {
    const began = performance.now();
    const well = await call(client);
    if (began >= from) {
      results.latencies.push(performance.now() - began);
      if (!well) results.failed += 1;
    }
    await pause(PAUSE_MS);
  }
}

interface Trouble {
  readonly name: string;
  /** Before anybody connects; the address of the one that misbehaves. */
  prepare?(replica: Replica): void;
  /** Under load, a quarter into the measurement. */
  begin?(replica: Replica): void;
  /** At three quarters. */
  end?(replica: Replica): void;
  /** In place of the first replica. */
  readonly blackHole?: boolean;
}

const TROUBLES: readonly Trouble[] = [
  { name: "none" },
  {
    name: "one at 100 ms",
    prepare: (replica) => {
      replica.tell("delay 100");
    },
  },
  { name: "kill -9 of one", begin: ({ child }) => void child.kill("SIGKILL") },
  {
    name: "SIGSTOP of one, then on",
    begin: ({ child }) => void child.kill("SIGSTOP"),
    end: ({ child }) => void child.kill("SIGCONT"),
  },
  {
    name: "one with 50% errors",
    prepare: (replica) => {
      replica.tell("fail 0.5");
    },
  },
  {
    name: "one NOT_SERVING and failing, then back",
    begin(replica) {
      replica.tell("health down");
      // As long as a drain gives callers to see it.
      setTimeout(() => {
        replica.tell("fail 1");
      }, 100);
    },
    end(replica) {
      replica.tell("fail 0");
      replica.tell("health up");
    },
  },
  { name: "one a black hole", blackHole: true },
];

async function run(trouble: Trouble): Promise<void> {
  const replicas = [await startReplica(), await startReplica(), await startReplica()];
  const [sick] = replicas;
  if (!sick) throw new Error("There are no replicas");
  const hole = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(hole, "listening");
  const bound = hole.address();
  const addresses = replicas.map(({ address }) => address);
  if (trouble.blackHole && typeof bound === "object" && bound) addresses[0] = `127.0.0.1:${bound.port}`;
  trouble.prepare?.(sick);

  const from = performance.now() + WARM_MS;
  const until = from + MEASURE_MS;
  const rows = BALANCERS.map((balancer) => {
    const { name } = balancer;
    const { target, options } = balancer.open(addresses);
    const client = new Client(target, credentials.createInsecure(), options);
    const results: Results = { latencies: [], failed: 0 };
    const callers = Array.from({ length: CALLERS }, () => callOften(client, results, from, until));
    return { name, client, results, callers };
  });
  setTimeout(() => trouble.begin?.(sick), WARM_MS + MEASURE_MS / 4);
  setTimeout(() => trouble.end?.(sick), WARM_MS + (MEASURE_MS * 3) / 4);
  await Promise.all(rows.flatMap(({ callers }) => callers));

  console.log(`\n${trouble.name}`);
  printTable(
    ["", "calls", "failed", "p50 (ms)", "p99 (ms)", "longest (ms)"],
    rows.map(({ name, results: { latencies, failed } }) => {
      const sorted = latencies.sort((a, b) => a - b);
      const at = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
      return [name, String(sorted.length), String(failed), at(0.5), at(0.99), at(1)];
    }),
  );
  for (const { client } of rows) client.close();
  for (const { child } of replicas) child.kill("SIGKILL");
  hole.close();
  hole.unref();
}

console.log(`Three replicas, ${CALLERS} callers through each balancer at once, ${MEASURE_MS / 1000} s, no retries`);
const named = process.argv.slice(2).join(" ");
for (const trouble of TROUBLES) if (named === "" || trouble.name.includes(named)) await run(trouble);
process.exit();
