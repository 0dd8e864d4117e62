/** Time to ready and memory of everything in one process, beside a bare node:http server. */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { median, printTable, residentMb } from "./measure.js";
import { start, startReelmesh, type ServerProcess } from "./server-process.js";

const ROUNDS = 5;
/** How long a process is left alone before its memory is read. */
const SETTLE_MS = 2_000;

async function measure(begin: () => Promise<ServerProcess>) {
  const server = await begin();
  await pause(SETTLE_MS);
  const memory = residentMb(server.pid);
  await server.stop();
  return { ready: server.readyMs / 1000, memory };
}

const ours: Awaited<ReturnType<typeof measure>>[] = [];
const peers: typeof ours = [];
for (let round = 0; round < ROUNDS; round++) {
  ours.push(await measure(startReelmesh));
  peers.push(await measure(() => start([join(import.meta.dirname, "peer-http.js")], {})));
}
const pick = (runs: typeof ours, key: "ready" | "memory") => median(runs.map((run) => run[key]));
const row = (name: string, key: "ready" | "memory") => {
  const [our, peer] = [pick(ours, key), pick(peers, key)];
  return [name, our, peer, our / peer];
};
console.log(`Medians of ${ROUNDS} starts`);
printTable(["", "Reelmesh", "node:http", "ratio"], [row("ready (s)", "ready"), row("resident (MB)", "memory")]);
