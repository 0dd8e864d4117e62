import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createStatsWindow, WINDOW_SECONDS } from "../../src/observe/call-stats.js";
import {
  addBuckets,
  bucketOf,
  quantileMs,
  upperBoundMs,
  type BucketCounts,
} from "../../src/observe/latency-buckets.js";
import { createRecentCalls } from "../../src/observe/recent-calls.js";

const durations = fc.array(fc.double({ min: 0.06, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 });

const counted = (all: readonly number[]): BucketCounts =>
  all.reduce<BucketCounts>((counts, ms) => addBuckets(counts, [[bucketOf(ms), 1]]), []);

describe("latency buckets", () => {
  test("hold each duration to 15%", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.06, max: 100_000, noNaN: true }), (ms) => {
        const bound = upperBoundMs(bucketOf(ms));
        expect(bound).toBeGreaterThanOrEqual(ms * 0.9999);
        expect(bound).toBeLessThanOrEqual(ms * 1.1501);
      }),
    );
  });

  test("know every quantile to 15%", () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const exact = [...all].sort((a, b) => a - b)[Math.max(0, Math.ceil(all.length * q) - 1)] ?? 0;
        const known = quantileMs(counted(all), q) ?? 0;
        expect(known).toBeGreaterThanOrEqual(exact * 0.9999);
        expect(known).toBeLessThanOrEqual(exact * 1.1501);
      }),
    );
  });

  test("of two replicas are those of all their calls", () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        expect(addBuckets(counted(a), counted(b))).toEqual(counted([...a, ...b]));
      }),
    );
  });

  test("take any number", () => {
    for (const ms of [0, -1, Number.NaN, Infinity, 1e12]) expect(bucketOf(ms)).toEqual(expect.any(Number));
    expect(quantileMs([], 0.5)).toBeUndefined();
  });
});

test("a window forgets what is older than it is long, and totals never", () => {
  let now = 1_000;
  const stats = createStatsWindow(() => now);
  stats.call("a", "b", "m", status.OK, 1);
  stats.call("a", "b", "m", status.NOT_FOUND, 1);
  stats.call("a", "b", "m", status.UNAVAILABLE, 1);
  stats.extra("retries", "a", "b", "m");
  expect(stats.read()).toMatchObject([{ calls: 3, failed: 1, retries: 1, hedges: 0, totalCalls: 3, totalFailed: 1 }]);
  now += (WINDOW_SECONDS - 1) * 1_000;
  stats.call("a", "b", "m", status.OK, 1);
  expect(stats.read()).toMatchObject([{ calls: 4, failed: 1 }]);
  now += 1_000;
  expect(stats.read()).toMatchObject([{ calls: 1, failed: 0, retries: 0, totalCalls: 4, totalFailed: 1 }]);
  now += WINDOW_SECONDS * 1_000;
  expect(stats.read()).toMatchObject([{ calls: 0, latency: [], totalCalls: 4 }]);
});

test("a window of ever new callers stays bounded", () => {
  const stats = createStatsWindow(() => 0);
  for (let caller = 0; caller < 5_000; caller += 1) stats.call(`caller-${caller}`, "b", "m", status.OK, 1);
  const all = stats.read();
  expect(all.length).toBeLessThanOrEqual(1_001);
  expect(all.reduce((sum, { calls }) => sum + calls, 0)).toBe(5_000);
});

test("the latest calls are kept, the oldest first, and never more than so many", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }), (most, count) => {
      const recent = createRecentCalls(most);
      for (let at = 0; at < count; at += 1) {
        recent.add({ service: "s", method: `m${at}`, code: status.OK, durationMs: 1 });
      }
      const kept = Array.from(
        { length: Math.min(most, count) },
        (_, index) => `m${count - Math.min(most, count) + index}`,
      );
      expect(recent.list().map(({ method }) => method)).toEqual(kept);
    }),
  );
});

test("a call shows what is listed, whatever else its event bears", () => {
  const recent = createRecentCalls();
  const event = {
    service: "s",
    method: "m",
    code: status.OK,
    durationMs: 1,
    principalToken: "secret",
    request: "body",
  };
  recent.add(event);
  expect(recent.list()).toEqual([
    { time: expect.any(String), caller: "unknown", service: "s", method: "m", status: "OK", durationMs: 1 },
  ]);
});
