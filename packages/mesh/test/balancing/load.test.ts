import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createLoad } from "../../src/balancing/load.js";

/** Answers as they come: after which pause, and how long they took, in milliseconds. */
const answers = fc.array(
  fc.record({
    pauseMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
    latencyMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  }),
  { minLength: 1, maxLength: 50 },
);

/** A load whose first answer, which does not count, has come. */
function begun() {
  const load = createLoad();
  load.observe(1e9, 0);
  return load;
}

describe("the estimate", () => {
  test("does not count the first answer", () => {
    expect(begun().estimateMs(0)).toBe(0);
  });

  test("rises at once, never above the slowest answer, and falls with time", () => {
    fc.assert(
      fc.property(answers, fc.double({ min: 1, max: 60_000, noNaN: true }), (given, laterMs) => {
        const load = begun();
        let nowMs = 0;
        let slowestMs = 0;
        for (const { pauseMs, latencyMs } of given) {
          nowMs += pauseMs;
          slowestMs = Math.max(slowestMs, latencyMs);
          load.observe(latencyMs, nowMs);
          expect(load.estimateMs(nowMs)).toBeGreaterThanOrEqual(latencyMs);
          expect(load.estimateMs(nowMs)).toBeLessThanOrEqual(slowestMs * (1 + 1e-9));
        }
        expect(load.estimateMs(nowMs + laterMs)).toBeLessThanOrEqual(load.estimateMs(nowMs));
      }),
    );
  });

  test("comes down to what answers take now", () => {
    const load = begun();
    load.observe(1000, 0);
    for (let nowMs = 100; nowMs <= 100_000; nowMs += 100) load.observe(10, nowMs);
    expect(load.estimateMs(100_000)).toBeCloseTo(10, 0);
  });

  test("is never lowered by a call that failed", () => {
    fc.assert(
      fc.property(answers, (given) => {
        const load = begun();
        load.observe(100, 0);
        const untouched = begun();
        untouched.observe(100, 0);
        let nowMs = 0;
        for (const { pauseMs, latencyMs } of given) {
          nowMs += pauseMs;
          load.observeAtLeast(latencyMs, nowMs);
          expect(load.estimateMs(nowMs)).toBeGreaterThanOrEqual(untouched.estimateMs(nowMs) * (1 - 1e-9));
        }
      }),
    );
  });
});

describe("the cost", () => {
  test("grows with every call, and with the age of the oldest", () => {
    const load = createLoad();
    const idle = load.cost(0);
    const call = load.begin(0, true);
    load.begin(0, false);
    expect(load.outstanding()).toBe(2);
    expect(load.cost(0)).toBe(3 * idle);
    expect(load.cost(1000)).toBe(3 * 1000);
    load.end(call);
    expect(load.cost(1000)).toBe(2 * idle);
  });

  test("counts calls that are about to begin, once, and forgets those that never do", () => {
    const load = createLoad();
    const idle = load.cost(0);
    load.reserve();
    load.reserve();
    expect(load.cost(0)).toBe(3 * idle);
    load.begin(0, false);
    expect(load.cost(0)).toBe(3 * idle);
    load.forgetReserved();
    expect(load.cost(0)).toBe(2 * idle);
  });

  test("comes back to where it was when all calls have ended, in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ timed: fc.boolean(), first: fc.boolean() })), (calls) => {
        const load = createLoad();
        const idle = load.cost(0);
        const begun = calls.map((call) => ({ ...call, begun: load.begin(0, call.timed) }));
        for (const { begun: call } of [...begun.filter(({ first }) => first), ...begun.filter(({ first }) => !first)])
          load.end(call);
        expect(load.outstanding()).toBe(0);
        expect(load.cost(1000)).toBe(idle);
      }),
    );
  });
});
