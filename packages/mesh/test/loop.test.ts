import { describe, expect, test } from "@jest/globals";
import type { CallScope } from "../src/call.js";
import { createLog } from "../src/log.js";
import { startLoop, type Loop } from "../src/loop.js";
import { afterTest, parseLine, type Line } from "./support/mesh.js";
import { deferred, until } from "./support/until.js";

const AN_HOUR_MS = 3_600_000;

/** A loop that stops when the test has ended, and what it logged. */
function loopOf(everyMs: number, work: (scope: CallScope) => Promise<void>): { loop: Loop; lines: readonly Line[] } {
  const lines: Line[] = [];
  const log = createLog("info", { write: (text) => lines.push(parseLine(text)) });
  const loop = startLoop("sweep", { everyMs, log }, work);
  afterTest(() => loop.stop());
  return { loop, lines };
}

describe("a loop", () => {
  test("runs at once, and again by itself", async () => {
    let runs = 0;
    loopOf(1, async () => {
      runs += 1;
    });
    expect(runs).toBe(1);
    await until(() => runs >= 3);
  });

  test("runs when nudged, without waiting for its turn", async () => {
    let runs = 0;
    const { loop } = loopOf(AN_HOUR_MS, async () => {
      runs += 1;
    });
    for (let nudges = 1; nudges <= 3; nudges += 1) {
      loop.nudge();
      await until(() => runs === nudges + 1);
    }
  });

  test("nudged while it runs, runs once more after, however often it was nudged", async () => {
    const turns = [deferred(), deferred(), deferred()];
    let started = 0;
    let ended = 0;
    const { loop } = loopOf(AN_HOUR_MS, async () => {
      started += 1;
      await turns[started - 1]?.promise;
      ended += 1;
    });
    loop.nudge();
    loop.nudge();
    loop.nudge();
    await new Promise(setImmediate);
    expect({ started, ended }).toEqual({ started: 1, ended: 0 });
    turns[0]?.resolve();
    await until(() => started === 2);
    expect(ended).toBe(1);
    turns[1]?.resolve();
    await until(() => ended === 2);
    await new Promise(setImmediate);
    expect(started).toBe(2);
    turns[2]?.resolve();
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("the store is away"))],
    [
      "throws",
      () => {
        throw new Error("the store is away");
      },
    ],
  ])("whose run %s is logged and tried again", async (_, fail) => {
    let runs = 0;
    const { loop, lines } = loopOf(AN_HOUR_MS, () => {
      runs += 1;
      return runs === 1 ? fail() : Promise.resolve();
    });
    loop.nudge();
    await until(() => runs === 2);
    expect(lines).toMatchObject([{ level: "warn", loop: "sweep", err: { message: "the store is away" } }]);
  });

  test("that is stopped aborts its run, waits for it, and says nothing of how it ended", async () => {
    const told: string[] = [];
    const { loop, lines } = loopOf(AN_HOUR_MS, async ({ signal }) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          resolve();
        });
      });
      told.push("run ended");
      throw new Error("aborted");
    });
    await loop.stop();
    told.push("stopped");
    expect(told).toEqual(["run ended", "stopped"]);
    expect(lines).toEqual([]);
  });

  test("that is stopped between runs never runs again", async () => {
    let runs = 0;
    const { loop } = loopOf(AN_HOUR_MS, async () => {
      runs += 1;
    });
    await new Promise(setImmediate);
    await loop.stop();
    loop.nudge();
    await loop.stop();
    expect(runs).toBe(1);
  });

  test("gives every run a request id of its own", async () => {
    const ids = new Set<string>();
    const { loop } = loopOf(AN_HOUR_MS, async ({ requestId }) => {
      ids.add(requestId);
    });
    loop.nudge();
    await until(() => ids.size === 2);
  });
});
