/**
 * What fails, and how long calls take, while replicas, lines, names, certificates and clocks do: by the mesh and by bare
 * grpc-js, at once and of the same replicas. `node scripts/bench.mjs mesh-failures`; the built file takes words of the
 * failures' names, to run only these.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createCertificates, tlsVariables } from "./certificates.js";
import { startChild } from "./child.js";
import {
  CALLERS,
  startCallers,
  startCallersAt,
  startNameServer,
  startReplica,
  wrongClock,
  type Caller,
  type CallerOptions,
  type Place,
  type Replica,
  type Tallies,
} from "./failures.js";
import { printTable } from "./measure.js";
import { createNetwork, networkProblem, type Host, type Network } from "./netns.js";

const PLACE: Place = { folder: import.meta.dirname, extension: "js" };
const NAMES = ["a", "b", "c"] as const;
const OPTIONS: Omit<CallerOptions, "targets"> = { callsPerSecond: 50, deadlineMs: 2_000 };
const WARM_MS = 3_000;
const MEASURE_MS = 6_000;
const NETWORK_PROBLEM = networkProblem();

/** What is undone at the end of a failure, the last first. */
type Undo = (act: () => unknown) => void;

/** Callers at work, and what happens to those they call once they are counted. */
interface Scene {
  readonly caller: Caller;
  readonly during?: () => Promise<unknown>;
}

interface Failure {
  readonly name: string;
  readonly needsNetwork?: boolean;
  readonly begin: (undo: Undo) => Promise<Scene>;
}

async function replicasOf(undo: Undo, place: Partial<Place> = {}): Promise<Replica[]> {
  return Promise.all(
    NAMES.map(async (name) => {
      const replica = await startReplica({ ...PLACE, ...place }, name);
      undo(() => replica.kill());
      return replica;
    }),
  );
}

async function callersOf(
  undo: Undo,
  replicas: readonly Pick<Replica, "mesh" | "bare">[],
  options: Partial<CallerOptions> = {},
  place: Partial<Place> = {},
): Promise<Caller> {
  const caller = await startCallers({ ...PLACE, ...place }, CALLERS, replicas, { ...OPTIONS, ...options });
  undo(() => caller.kill());
  return caller;
}

/** A failure of the first of three replicas on this host: before anybody calls, or amid calls. */
function ofOne(
  name: string,
  before: (sick: Replica) => Promise<unknown> | undefined,
  during?: (sick: Replica) => Promise<unknown>,
): Failure {
  return {
    name,
    async begin(undo) {
      const replicas = await replicasOf(undo);
      const [sick] = replicas;
      if (!sick) throw new Error("There are no replicas");
      await before(sick);
      const caller = await callersOf(undo, replicas);
      return { caller, ...(during && { during: () => during(sick) }) };
    },
  };
}

interface HostsUp {
  readonly network: Network;
  readonly replicas: readonly Replica[];
  readonly first: Host;
}

async function hostsUp(undo: Undo): Promise<HostsUp> {
  const network = createNetwork(NAMES.length);
  undo(() => {
    network.destroy();
  });
  const replicas = await Promise.all(
    network.hosts.map(async ({ namespace, address: host }, index) => {
      const replica = await startReplica({ ...PLACE, namespace }, NAMES[index] ?? "", { host, ports: [7001, 8001] });
      undo(() => replica.kill());
      return replica;
    }),
  );
  const [first] = network.hosts;
  if (!first) throw new Error("There are no hosts");
  return { network, replicas, first };
}

/** A failure of the first line of three, to hosts of their own. */
function ofLine(name: string, during: (line: Host) => Promise<unknown>): Failure {
  return {
    name,
    needsNetwork: true,
    async begin(undo) {
      const { network, replicas, first } = await hostsUp(undo);
      const caller = await callersOf(undo, replicas, {}, { namespace: network.caller });
      return { caller, during: () => during(first) };
    },
  };
}

async function behind(undo: Undo, { namespace, address }: Host, port: number, delayMs: number): Promise<string> {
  const script = join(PLACE.folder, `slow-line.${PLACE.extension}`);
  const args = [address, String(port + 1), address, String(port), String(delayMs)];
  const line = startChild<string>(script, args, { namespace });
  undo(() => line.kill());
  await line.ask("are you there");
  return `${address}:${port + 1}`;
}

const never = () => undefined;
const FAILURES: readonly Failure[] = [
  ofOne("none", never),
  ofOne("one at 100 ms", (sick) => sick.ask({ delayMs: 100 })),
  ofOne("kill -9 of one", never, (sick) => sick.kill()),
  ofOne("SIGSTOP of one for 3 s", never, async (sick) => {
    sick.signal("SIGSTOP");
    await pause(MEASURE_MS / 2);
    sick.signal("SIGCONT");
  }),
  ofOne("one 50% UNAVAILABLE", never, (sick) => sick.ask({ failing: 0.5, as: "UNAVAILABLE" })),
  ofOne("one 50% INTERNAL", never, (sick) => sick.ask({ failing: 0.5, as: "INTERNAL" })),
  ofOne("one NOT_SERVING, then failing", never, async (sick) => {
    await sick.ask({ serving: false });
    await sick.ask({ failing: 1, as: "UNAVAILABLE" });
  }),
  {
    name: "one a black hole from the start",
    async begin(undo) {
      const sockets: Socket[] = [];
      const hole = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
      await once(hole, "listening");
      undo(() => {
        hole.close();
        for (const socket of sockets) socket.destroy();
      });
      const bound = hole.address();
      const address = `127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
      const [, ...replicas] = await replicasOf(undo);
      return { caller: await callersOf(undo, [{ mesh: address, bare: address }, ...replicas]) };
    },
  },
  ofLine("one line a black hole for 3 s", async (line) => {
    line.lose(1);
    await pause(MEASURE_MS / 2);
    line.lose(0);
  }),
  ofLine("one line loses 10%", async (line) => {
    line.lose(0.1);
  }),
  {
    name: "one line of 80 ms, 10 Mbit/s",
    needsNetwork: true,
    async begin(undo) {
      const { network, replicas, first } = await hostsUp(undo);
      first.narrow(10_000_000);
      const slow = { mesh: await behind(undo, first, 7001, 40), bare: await behind(undo, first, 8001, 40) };
      const caller = await callersOf(undo, [slow, ...replicas.slice(1)], {}, { namespace: network.caller });
      return { caller };
    },
  },
  {
    name: "DNS flaps, replicas move",
    needsNetwork: true,
    async begin(undo) {
      const { network, replicas } = await hostsUp(undo);
      const [a, b, c] = network.hosts.map(({ address }) => address);
      if (a === undefined || b === undefined || c === undefined) throw new Error("There are no hosts");
      network.resolveAt("127.0.0.1");
      const place = { ...PLACE, namespace: network.caller };
      const names = startNameServer(place);
      undo(() => names.kill());
      await names.tell([a, b]);
      const [mesh, bare] = ["storage.example:7001", "storage.example:8001"];
      const targets = {
        reelmesh: mesh,
        idempotent: mesh,
        once: mesh,
        round_robin: bare,
        pick_first: bare,
        tuned: bare,
      };
      const caller = await startCallersAt(place, { ...OPTIONS, targets });
      undo(() => caller.kill());
      return {
        caller,
        async during() {
          await names.tell([b, c]);
          // Five seconds are what it may take to hear.
          await pause(5_000);
          await names.tell("failing");
          await replicas[0]?.kill();
          await replicas[1]?.kill();
          await pause(1_000);
        },
      };
    },
  },
  {
    name: "certificates renewed every second",
    async begin(undo) {
      const certificates = createCertificates(["storage", "tester"]);
      undo(() => {
        certificates.remove();
      });
      const { storage, tester } = certificates.files;
      if (!storage || !tester) throw new Error("There are no certificates");
      const variables = { ...tlsVariables(storage), MESH_TLS_REFRESH_MS: "100", MESH_TLS_CONNECTION_AGE_MS: "2000" };
      const replicas = await replicasOf(undo, { variables });
      const caller = await callersOf(undo, replicas, { tls: tester });
      return {
        caller,
        async during() {
          for (let second = 0; second < MEASURE_MS / 1_000; second++) {
            certificates.renew();
            await pause(1_000);
          }
        },
      };
    },
  },
  {
    name: "a caller's clock 10 min slow",
    async begin(undo) {
      const replicas = await replicasOf(undo);
      return { caller: await callersOf(undo, replicas, {}, { node: wrongClock(-600_000) }) };
    },
  },
  {
    name: "2,000 cancels a second",
    async begin(undo) {
      const replicas = await replicasOf(undo);
      for (const replica of replicas) await replica.ask({ delayMs: 20 });
      // Shared among all callers: the machine has no more to give.
      return { caller: await callersOf(undo, replicas, { cancelsPerSecond: 2_000 / CALLERS.length }) };
    },
  },
  {
    name: "all restarted, a herd of 10 channels",
    async begin(undo) {
      const replicas = await replicasOf(undo);
      const caller = await callersOf(undo, replicas, { channels: 10, deadlineMs: 10_000 });
      return {
        caller,
        async during() {
          await Promise.all(replicas.map((replica) => replica.kill()));
          await Promise.all(
            replicas.map(async ({ name, mesh, bare }) => {
              const port = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));
              const replica = await startReplica(PLACE, name, { ports: [port(mesh), port(bare)] });
              undo(() => replica.kill());
            }),
          );
        },
      };
    },
  },
];

async function run({ begin }: Failure): Promise<Tallies> {
  const undos: Parameters<Undo>[0][] = [];
  try {
    const { caller, during } = await begin((act) => undos.push(act));
    await pause(WARM_MS);
    await caller.ask("count");
    await Promise.all([pause(MEASURE_MS), pause(MEASURE_MS / 6).then(() => during?.())]);
    return await caller.ask("stop");
  } finally {
    for (const undo of undos.reverse()) await undo();
  }
}

/** Failed, half and 99 of a hundred calls within so many milliseconds. */
function inShort(tallies: Tallies): string[] {
  return CALLERS.map((name) => {
    const tally = tallies[name];
    if (!tally) return "";
    const { failed, p50Ms, p99Ms } = tally;
    return `${failed} / ${p50Ms < 10 ? p50Ms.toFixed(1) : p50Ms.toFixed(0)} / ${p99Ms.toFixed(0)}`;
  });
}

const { callsPerSecond, deadlineMs } = OPTIONS;
console.log(
  `Three replicas, ${callsPerSecond} calls a second by each caller, given up after ${deadlineMs / 1_000} s.\n` +
    "reelmesh: as services call, with retries and hedging; idempotent: without hedging; once: without either.\n" +
    "tuned: grpc-js with round_robin, outlier_detection, retries and keepalive.\n" +
    "Each cell: failed calls / p50 / p99 in ms.\n",
);
const wanted = process.argv.slice(2).join(" ");
const rows: string[][] = [];
for (const failure of FAILURES.filter(({ name }) => name.includes(wanted))) {
  if (failure.needsNetwork && NETWORK_PROBLEM !== undefined) {
    rows.push([failure.name, "-", `left out: ${NETWORK_PROBLEM}`]);
    continue;
  }
  const tallies = await run(failure);
  rows.push([failure.name, String(tallies.reelmesh?.calls ?? 0), ...inShort(tallies)]);
}
printTable(["", "calls each", ...CALLERS], rows);
process.exit();
