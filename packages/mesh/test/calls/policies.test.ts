import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { backoffMs } from "../../src/calls/backoff.js";
import { createBudget } from "../../src/calls/budget.js";
import { createCancels } from "../../src/calls/cancels.js";
import { deadlineOf, grpcTimeout } from "../../src/calls/deadlines.js";
import { createLatencyQuantile } from "../../src/calls/latency.js";

describe("a budget", () => {
  const step = fc.constantFrom("call", "retry", "hedge");

  test("never allows more than its share of the calls and its reserve, whatever the order", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 2_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 20 }),
        (steps, ratio, reserve) => {
          const budget = createBudget({ ratio, reserve });
          const count = { call: 0, retry: 0, hedge: 0 };
          for (const each of steps) {
            if (each === "call") budget.deposit();
            const made = each === "call" || (each === "retry" ? budget.withdraw() : budget.withdrawSpare());
            if (made) count[each] += 1;
            expect(count.retry + count.hedge).toBeLessThanOrEqual(count.call * ratio + reserve + 1e-3);
            expect(count.hedge).toBeLessThanOrEqual(count.call * ratio + 1e-3);
          }
        },
      ),
    );
  });

  test("gives all that was paid in", () => {
    const budget = createBudget({ ratio: 0.2, reserve: 3 });
    for (let calls = 0; calls < 50; calls += 1) budget.deposit();
    let retries = 0;
    while (budget.withdraw()) retries += 1;
    expect(retries).toBe(13);
  });

  test("saves up no more than its limit", () => {
    const budget = createBudget({ ratio: 1, reserve: 0, limit: 7 });
    for (let calls = 0; calls < 1_000; calls += 1) budget.deposit();
    expect(budget.balance).toBe(7);
  });
});

test("backoff lies below a bound that doubles, up to a second", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (retries, dice) => {
        const ms = backoffMs(retries, () => dice);
        expect(ms).toBeCloseTo(dice * Math.min(1_000, 50 * 2 ** Math.min(retries, 10)), 6);
      },
    ),
  );
});

describe("a deadline", () => {
  const time = fc.integer({ min: 0, max: 4e12 });
  const span = fc.integer({ min: -100_000, max: 100_000_000 });

  test("is never later than its kind's or the scope's, and keeps at most 20 ms", () => {
    fc.assert(
      fc.property(time, fc.nat({ max: 3_600_000 }), fc.option(span, { nil: undefined }), (now, kindMs, left) => {
        const scopeDeadline = left === undefined ? undefined : now + left;
        const deadline = deadlineOf(now, kindMs, scopeDeadline);
        expect(deadline).toBeLessThanOrEqual(now + kindMs);
        if (scopeDeadline === undefined) expect(deadline).toBe(now + kindMs);
        else {
          expect(deadline).toBeLessThanOrEqual(scopeDeadline);
          expect(deadline).toBeGreaterThanOrEqual(Math.min(now + kindMs, scopeDeadline - 20));
          // Time that is left stays time that is left.
          if (scopeDeadline > now && kindMs > 0) expect(deadline).toBeGreaterThan(now);
        }
      }),
    );
  });

  test("of a stream is none, or its scope's", () => {
    expect(deadlineOf(5, Infinity, undefined)).toBe(Infinity);
    expect(deadlineOf(0, Infinity, 100)).toBe(95);
  });

  test("is written as gRPC reads it, and never earlier", () => {
    fc.assert(
      fc.property(fc.double({ min: -10, max: 1e12, noNaN: true }), (ms) => {
        const [, value, unit] = /^([0-9]{1,8})([mS])$/.exec(grpcTimeout(ms)) ?? [];
        expect(Number(value) * (unit === "S" ? 1000 : 1)).toBeGreaterThanOrEqual(Math.min(ms, 99_999_999_000));
        expect(Number(value)).toBeGreaterThan(0);
      }),
    );
  });
});

describe("a latency's quantile", () => {
  test("is within 10% above the true one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.2, max: 50_000, noNaN: true }), { minLength: 112, maxLength: 400 }),
        (all) => {
          const measured = all.slice(0, all.length - (all.length % 16));
          const latency = createLatencyQuantile(0.95);
          for (const ms of measured) latency.record(ms);
          const sorted = measured.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(measured.length * 0.95) - 1] ?? 0;
          expect(latency.value()).toBeGreaterThanOrEqual(exact * 0.999);
          expect(latency.value()).toBeLessThanOrEqual(exact * 1.11);
        },
      ),
    );
  });

  test("says nothing before a hundred, and follows a change", () => {
    const latency = createLatencyQuantile(0.95);
    for (let count = 0; count < 99; count += 1) latency.record(1);
    expect(latency.value()).toBeUndefined();
    for (let count = 0; count < 1_000; count += 1) latency.record(1);
    expect(latency.value()).toBeLessThan(1.2);
    for (let count = 0; count < 4_000; count += 1) latency.record(200);
    expect(latency.value()).toBeGreaterThanOrEqual(199);
    for (let count = 0; count < 8_000; count += 1) latency.record(3);
    expect(latency.value()).toBeLessThan(4);
  });
});

describe("resets", () => {
  const callsOf = (length: number, endless = false) =>
    Array.from({ length }, () => {
      const made = { endless, resets: 0, reset: () => void (made.resets += 1) };
      return made;
    });
  const reset = (calls: readonly { resets: number }[]) => calls.filter(({ resets }) => resets === 1).length;

  test("beyond what a connection bears wait", () => {
    let clock = 0;
    const cancels = createCancels(() => clock);
    const calls = callsOf(1_000);
    for (const each of calls) cancels.cancel(each);
    expect(reset(calls)).toBe(800);
    expect(cancels.spare()).toBe(false);
    clock = 16_000;
    expect(cancels.spare()).toBe(true);
    cancels.close();
    expect(reset(calls)).toBe(1_000);
  });

  test("are never more than the burst and 25 a second, whenever they are wanted", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 2_000 }), (gaps) => {
        let clock = 0;
        const cancels = createCancels(() => clock);
        let resets = 0;
        for (const gap of gaps) {
          clock += gap;
          cancels.cancel({ endless: false, reset: () => void (resets += 1) });
          expect(resets).toBeLessThanOrEqual(800 + (clock / 1000) * 25);
        }
        cancels.close();
      }),
    );
  });

  test("that are due for calls which ended meanwhile are not made", () => {
    const cancels = createCancels(() => 0);
    const calls = callsOf(802);
    for (const each of calls) cancels.cancel(each);
    const late = calls.slice(800);
    for (const each of late) cancels.ended(each);
    cancels.close();
    expect(reset(late)).toBe(0);
  });

  test("that nothing else would end go before those that their deadlines will", () => {
    const cancels = createCancels(() => 0);
    for (const each of callsOf(800)) cancels.cancel(each);
    const order: string[] = [];
    cancels.cancel({ endless: false, reset: () => void order.push("ending") });
    cancels.cancel({ endless: true, reset: () => void order.push("endless") });
    cancels.close();
    expect(order).toEqual(["endless", "ending"]);
  });

  test("tell that the connections are worn once they have borne half of what they can", () => {
    let worn = 0;
    const cancels = createCancels(
      () => 0,
      () => void (worn += 1),
    );
    for (const each of callsOf(401)) cancels.cancel(each);
    expect(worn).toBe(0);
    for (const each of callsOf(2)) cancels.cancel(each);
    expect(worn).toBe(2);
  });
});
