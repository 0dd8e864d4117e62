import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Replica } from "../../bench/failures.js";
import { calls, counted, finish, settled, useMatrix } from "./support/matrix.js";

const PATIENCE_MS = 120_000;
const matrix = useMatrix();

/** Three replicas, of which the first is to fail. */
async function three(): Promise<[sick: Replica, ...well: Replica[]]> {
  const [sick, ...well] = await matrix.replicas(["a", "b", "c"]);
  if (!sick) throw new Error("There are no replicas");
  return [sick, ...well];
}

describe("of three replicas", () => {
  test(
    "one killed with calls at work loses none that may be repeated",
    async () => {
      const replicas = await three();
      for (const replica of replicas) await replica.ask({ delayMs: 20 });
      const caller = await matrix.callers(["reelmesh", "idempotent", "once", "round_robin"], replicas);
      await settled(caller, replicas);
      await replicas[0].kill();
      await calls(caller, 150);
      const tally = await finish(caller, "kill -9");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("idempotent").reasons).toEqual({});
      // What it had at work, and no more: at 30 calls a second of 20 ms, a few.
      expect(tally("once").failed).toBeLessThan(20);
    },
    PATIENCE_MS,
  );

  test(
    "one stopped by SIGSTOP keeps no call waiting to its deadline, and is called again when it goes on",
    async () => {
      const replicas = await three();
      const [sick] = replicas;
      const caller = await matrix.callers(["reelmesh", "round_robin"], replicas, { deadlineMs: 5_000 });
      await settled(caller, replicas);
      sick.signal("SIGSTOP");
      await counted(caller, ({ round_robin }) => (round_robin?.failed ?? 0) > 0);
      sick.signal("SIGCONT");
      await counted(caller, ({ reelmesh }) => (reelmesh?.answers.a ?? 0) > 10);
      const tally = await finish(caller, "SIGSTOP, then SIGCONT");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("round_robin").reasons).toMatchObject({ DEADLINE_EXCEEDED: expect.any(Number) });
    },
    PATIENCE_MS,
  );

  test(
    "a slow one gets few of the calls",
    async () => {
      const replicas = await three();
      await replicas[0].ask({ delayMs: 500 });
      const caller = await matrix.callers(["reelmesh", "round_robin"], replicas);
      await settled(caller, replicas);
      await calls(caller, 150);
      const tally = await finish(caller, "one at 500 ms");
      const share = (name: "reelmesh" | "round_robin") => (tally(name).answers.a ?? 0) / tally(name).calls;
      process.stdout.write(
        `share of the slow one: reelmesh ${share("reelmesh").toFixed(3)}, round_robin ${share("round_robin").toFixed(3)}\n`,
      );
      expect(tally("reelmesh").reasons).toEqual({});
      expect(share("reelmesh")).toBeLessThan(0.1);
      expect(share("round_robin")).toBeGreaterThan(0.25);
    },
    PATIENCE_MS,
  );

  test(
    "one that refuses half of its calls fails none that may be repeated",
    async () => {
      const replicas = await three();
      const caller = await matrix.callers(["reelmesh", "idempotent", "round_robin", "tuned"], replicas);
      await settled(caller, replicas);
      await replicas[0].ask({ failing: 0.5, as: "UNAVAILABLE" });
      await calls(caller, 150);
      const tally = await finish(caller, "50% UNAVAILABLE");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("idempotent").reasons).toEqual({});
      expect(tally("round_robin").failed).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  test(
    "one that breaks down in half of its calls soon gets no more of them",
    async () => {
      const replicas = await three();
      const caller = await matrix.callers(["reelmesh", "round_robin"], replicas, { callsPerSecond: 50 });
      await settled(caller, replicas);
      await replicas[0].ask({ failing: 0.5, as: "INTERNAL" });
      await calls(caller, 450);
      const tally = await finish(caller, "50% INTERNAL");
      // What a server says of its own work is its answer, which another attempt would not make right.
      expect(tally("reelmesh").failed).toBeLessThan(tally("round_robin").failed / 3);
    },
    PATIENCE_MS,
  );

  test(
    "one that says it does not serve gets no call, whatever becomes of it, until it does again",
    async () => {
      const replicas = await three();
      const [sick] = replicas;
      const caller = await matrix.callers(["reelmesh", "once", "round_robin"], replicas);
      await settled(caller, replicas);
      await sick.ask({ serving: false });
      // Those that were on their way when it said so.
      await calls(caller, 50);
      await caller.ask("count");
      await sick.ask({ failing: 1, as: "UNAVAILABLE" });
      await calls(caller, 100);
      const { reelmesh, once, round_robin } = await caller.ask("tell");
      for (const tally of [reelmesh, once]) expect(tally).toMatchObject({ failed: 0, reasons: {} });
      for (const tally of [reelmesh, once]) expect(Object.keys(tally?.answers ?? {})).not.toContain("a");
      expect(round_robin?.failed).toBeGreaterThan(0);

      await sick.ask({ failing: 0, serving: true });
      await counted(caller, (tallies) => (tallies.reelmesh?.answers.a ?? 0) > 5 && (tallies.once?.answers.a ?? 0) > 5);
      const tally = await finish(caller, "NOT_SERVING, then back");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("once").reasons).toEqual({});
    },
    PATIENCE_MS,
  );

  test(
    "one that accepts connections and says nothing costs no call",
    async () => {
      const sockets: Socket[] = [];
      const hole = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
      await once(hole, "listening");
      matrix.cleanup.add(async () => {
        hole.close();
        for (const socket of sockets) socket.destroy();
      });
      const bound = hole.address();
      const address = `127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
      const replicas = await matrix.replicas(["b", "c"]);
      const caller = await matrix.callers(
        ["reelmesh", "once", "round_robin", "pick_first"],
        [{ mesh: address, bare: address }, ...replicas],
      );
      await calls(caller, 150);
      const tally = await finish(caller, "a black hole from the start");
      expect(tally("reelmesh").reasons).toEqual({});
      expect(tally("once").reasons).toEqual({});
    },
    PATIENCE_MS,
  );
});
