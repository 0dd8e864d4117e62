import { describe, expect } from "@jest/globals";
import { startCallersAt, startNameServer, type Replica } from "../../bench/failures.js";
import { calls, counted, finish, settled, useMatrix } from "./support/matrix.js";
import { behindSlowLine, networkTest, replicasOnHosts, type Hosts } from "./support/network.js";
import { until } from "../support/until.js";

const PATIENCE_MS = 120_000;
const matrix = useMatrix();

/** Three replicas on hosts of their own; the line of the first is to fail. */
async function three(): Promise<Hosts & { readonly line: Hosts["network"]["hosts"][number]; readonly first: Replica }> {
  const hosts = await replicasOnHosts(matrix, ["a", "b", "c"]);
  const [line] = hosts.network.hosts;
  const [first] = hosts.replicas;
  if (!line || !first) throw new Error("There are no hosts");
  return { ...hosts, line, first };
}

describe("of three replicas, each on its host", () => {
  networkTest(
    "a line that loses a tenth of its packets costs no call",
    async () => {
      const { network, replicas, line } = await three();
      const callers = ["reelmesh", "idempotent", "round_robin"] as const;
      const caller = await matrix.callers(callers, replicas, {}, { namespace: network.caller });
      await settled(caller, replicas);
      line.lose(0.1);
      await calls(caller, 150);
      const tally = await finish(caller, "10% of packets lost on one line");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("idempotent").reasons).toEqual({});
    },
    PATIENCE_MS,
  );

  networkTest(
    "a slow line, 80 ms there and back and 10 Mbit/s, gets few of the calls and costs none",
    async () => {
      const { network, replicas, line } = await three();
      line.narrow(10_000_000);
      const slow = await behindSlowLine(matrix, line, 40);
      const reached = [slow, ...replicas.slice(1)];
      const callers = ["reelmesh", "round_robin"] as const;
      const caller = await matrix.callers(callers, reached, {}, { namespace: network.caller });
      await settled(caller, replicas);
      await calls(caller, 150);
      const tally = await finish(caller, "one line of 80 ms and 10 Mbit/s");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("reelmesh").answers.a ?? 0).toBeLessThan((tally("round_robin").answers.a ?? 0) / 2);
    },
    PATIENCE_MS,
  );

  networkTest(
    "a line that swallows everything amid calls costs none, is noticed on both sides, and is used again when it is back",
    async () => {
      const { network, replicas, line, first } = await three();
      const callers = ["reelmesh", "idempotent", "round_robin"] as const;
      const place = { namespace: network.caller };
      const caller = await matrix.callers(callers, replicas, { deadlineMs: 15_000 }, place);
      const watcher = await matrix.callers(["reelmesh"], [first], { callsPerSecond: 0, streams: 3 }, place);
      await settled(caller, replicas);
      await until(async () => (await first.ask({})).streams === 3);
      line.lose(1);
      // The callers' pings end their connections, the server's pings the streams that nobody reads any more.
      await until(async () => (await first.ask({})).streams === 0);
      await counted(caller, ({ round_robin }) => (round_robin?.failed ?? 0) > 0);
      line.lose(0);
      await counted(caller, ({ reelmesh }) => (reelmesh?.answers.a ?? 0) > 20);
      await watcher.kill();
      const tally = await finish(caller, "a black hole amid calls, then back");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("idempotent").reasons).toEqual({});
    },
    PATIENCE_MS,
  );
});

networkTest(
  "names that fail, move and fall silent cost no call: a replica they name is called, one they no longer name is not",
  async () => {
    const { network, replicas } = await replicasOnHosts(matrix, ["a", "b", "c"]);
    const [a, b, c] = network.hosts.map(({ address }) => address);
    if (a === undefined || b === undefined || c === undefined) throw new Error("There are no hosts");
    network.resolveAt("127.0.0.1");
    const place = { ...matrix.place(), namespace: network.caller };
    const names = startNameServer(place);
    matrix.cleanup.add(() => names.kill());
    await names.tell([a, b]);
    const caller = await startCallersAt(place, {
      targets: { reelmesh: "storage.example:7001", once: "storage.example:7001", round_robin: "storage.example:8001" },
      callsPerSecond: 30,
      deadlineMs: 10_000,
    });
    matrix.cleanup.add(() => caller.kill());
    await settled(caller, replicas.slice(0, 2));

    // Failing and silent, in turn with the truth; each until it was asked for again.
    for (const answer of ["failing", [a, b], "silent", [a, b], []] as const) {
      const asked = await names.tell(answer);
      await until(async () => (await names.tell(answer)) > asked);
    }
    await calls(caller, 100);
    await names.tell([b, c]);
    await counted(caller, ({ reelmesh, once }) => [reelmesh, once].every((tally) => tally?.answers.c !== undefined));
    await caller.ask("count");
    await calls(caller, 100);
    const { reelmesh, once } = await caller.ask("tell");
    for (const tally of [reelmesh, once]) expect(Object.keys(tally?.answers ?? {})).not.toContain("a");

    await replicas[0]?.kill();
    await names.tell("failing");
    const before = await names.tell("failing");
    await until(async () => (await names.tell("failing")) > before);
    await replicas[1]?.kill();
    await calls(caller, 150);
    const tally = await finish(caller, "DNS that flaps while replicas come and go");
    expect(tally("reelmesh").reasons).toEqual({});
  },
  PATIENCE_MS,
);
