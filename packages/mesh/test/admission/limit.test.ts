import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createLimit } from "../../src/admission/limit.js";

const BOUNDS = { min: 4, max: 500, initial: 64 };

/** Feeds windows of 50 calls, each full to the limit, whose latency a model gives. */
function run(windows: number, latencyMs: (limit: number) => number) {
  const limit = createLimit(BOUNDS);
  let nowMs = 0;
  const limits: number[] = [];
  for (let window = 0; window < windows; window++) {
    const inFlight = limit.current();
    for (let call = 0; call < 50; call++) limit.sample("Get", latencyMs(inFlight), inFlight, (nowMs += 10));
    limits.push(limit.current());
  }
  return limits;
}

describe("the limit", () => {
  test("stays within its bounds whatever is measured", () => {
    const sample = fc.record({
      method: fc.constantFrom("Get", "List", "Put"),
      latencyMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
      inFlight: fc.integer({ min: 1, max: 5_000 }),
      laterMs: fc.integer({ min: 0, max: 1_000 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 500 }), (samples) => {
        const limit = createLimit(BOUNDS);
        let nowMs = 0;
        for (const { method, latencyMs, inFlight, laterMs } of samples) {
          limit.sample(method, latencyMs, inFlight, (nowMs += laterMs));
          expect(limit.current()).toBeGreaterThanOrEqual(BOUNDS.min);
          expect(limit.current()).toBeLessThanOrEqual(BOUNDS.max);
          expect(Number.isInteger(limit.current())).toBe(true);
        }
      }),
    );
  });

  test("comes down to a few times what a store does at a time, and goes no lower", () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 100 }), fc.double({ min: 1, max: 100, noNaN: true }), (places, restMs) => {
        const limit = createLimit({ ...BOUNDS, initial: places });
        let nowMs = 0;
        const seen: number[] = [];
        for (let window = 0; window < 200; window++) {
          const inFlight = limit.current();
          const latencyMs = restMs * Math.max(1, inFlight / places);
          for (let call = 0; call < 50; call++) limit.sample("Get", latencyMs, inFlight, (nowMs += 10));
          seen.push(limit.current());
        }
        expect(Math.max(...seen.slice(20))).toBeLessThanOrEqual(places * 4);
        const short = seen.filter((current) => current < places);
        // Only while it looks what latency is at rest.
        expect(short.length).toBeLessThanOrEqual(seen.length / 15);
      }),
    );
  });

  test("grows while it is used and latency stays what it is", () => {
    expect(run(100, () => 5).at(-1)).toBe(BOUNDS.max);
  });

  test("does not grow while nobody uses it", () => {
    const limit = createLimit(BOUNDS);
    let nowMs = 0;
    for (let call = 0; call < 5_000; call++) limit.sample("Get", 5, 1, (nowMs += 10));
    expect(limit.current()).toBe(BOUNDS.initial);
  });

  test("takes a slow method beside a quick one for no queue", () => {
    const limit = createLimit(BOUNDS);
    let nowMs = 0;
    for (let round = 0; round < 100; round++) {
      // First mostly quick ones, later mostly slow ones.
      for (let call = 0; call < 50; call++) {
        const slow = call < round / 2;
        limit.sample(slow ? "List" : "Get", slow ? 80 : 2, 1, (nowMs += 10));
      }
    }
    expect(limit.current()).toBe(BOUNDS.initial);
  });

  test("takes a store that has become slower for good as it is", () => {
    const limits = run(1_000, (inFlight) => (inFlight > 400 ? 40 : 5));
    expect(limits.at(-1)).toBeGreaterThan(200);
  });
});
