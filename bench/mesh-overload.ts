/**
 * A server with more to do than it can: how much of it is done, and how soon, by the mesh and by grpc-js alone. This
 * process makes the calls, each at its own time whatever became of those before.
 */
import { Client, Metadata, credentials, status } from "@grpc/grpc-js";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { printTable } from "./measure.js";
import { start } from "./server-process.js";

const SECRET = Buffer.alloc(32, 5);
const METHOD = "/reelmesh.storage.v1.StorageService/GetObject";
const DEADLINE_MS = 2_000;
const SECONDS = 5;
/** Left out at the beginning of each load. */
const SETTLE_SECONDS = 1;
/** What 5 ms a call allow: one at a time, or two. */
const CAPACITY = { busy: 200, store: 400 } as const;
const LOADS = [0.1, 1, 1.5, 3] as const;

interface Result {
  readonly goodput: number;
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
  readonly late: number;
}

const metadata = new Metadata();
metadata.set("reelmesh-caller", await createTokens(createKeys([SECRET])).forService("bench"));
const same = (bytes: Buffer) => bytes;

async function load(client: Client, rate: number): Promise<Result> {
  const latencies: number[] = [];
  let [refused, late, open] = [0, 0, 0];
  const begun = performance.now();
  const from = begun + SETTLE_SECONDS * 1000;
  const until = from + SECONDS * 1000;
  const send = () => {
    const sent = performance.now();
    open += 1;
    client.makeUnaryRequest(
      METHOD,
      same,
      same,
      Buffer.alloc(0),
      metadata,
      { deadline: Date.now() + DEADLINE_MS },
      (error) => {
        open -= 1;
        const now = performance.now();
        if (now < from || now > until) return;
        if (!error) latencies.push(now - sent);
        else if (error.code === status.RESOURCE_EXHAUSTED) refused += 1;
        else late += 1;
      },
    );
  };
  // Poisson arrivals: the gaps between them are exponential.
  for (let next = begun; next < until; next -= (Math.log(1 - Math.random()) * 1000) / rate) {
    const wait = next - performance.now();
    if (wait > 0.5) await pause(wait);
    send();
  }
  while (open > 0) await pause(20);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return { goodput: latencies.length / SECONDS, p50: at(0.5), p99: at(0.99), refused, late };
}

for (const kind of ["busy", "store"] as const) {
  for (const runtime of ["mesh", "grpc-js"] as const) {
    const server = await start([join(import.meta.dirname, "overload-server.js"), runtime, kind], {
      MESH_SECRET: SECRET.toString("base64"),
      STORAGE_LISTEN: "127.0.0.1:0",
      OPS_LISTEN: "127.0.0.1:0",
      LOG_LEVEL: "silent",
    });
    const client = new Client(server.url.replace("http://", ""), credentials.createInsecure());
    const results: Result[] = [];
    try {
      for (const factor of LOADS) results.push(await load(client, CAPACITY[kind] * factor));
    } finally {
      client.close();
      await server.stop();
    }
    const most = Math.max(...results.map(({ goodput }) => goodput));
    const rest = results[0]?.p99 ?? NaN;
    console.log(`\n${runtime}, ${kind === "busy" ? "5 ms of the processor" : "5 ms of a store with 2 places"} a call`);
    printTable(
      ["load", "answered/s", "of the most", "p50 (ms)", "p99 (ms)", "p99 / at rest", "refused", "failed"],
      results.map(({ goodput, p50, p99, refused, late }, index) => [
        `${LOADS[index] ?? 0} x capacity`,
        goodput,
        goodput / most,
        p50,
        p99,
        p99 / rest,
        refused,
        late,
      ]),
    );
  }
}
