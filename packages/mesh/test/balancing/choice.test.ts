import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { choose, type Candidate } from "../../src/balancing/choice.js";
import type { Admission } from "../../src/balancing/ejection.js";

interface Given {
  readonly admission: Admission;
  readonly cost: number;
  readonly warmth: number;
  readonly probing: boolean;
}

const backend = fc.record<Given>({
  admission: fc.constantFrom("in", "probation", "ejected"),
  cost: fc.double({ min: 1, max: 1e6, noNaN: true }),
  warmth: fc.double({ min: 0.1, max: 1, noNaN: true }),
  probing: fc.boolean(),
});

const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 3, maxLength: 3 });

function candidatesOf(given: readonly Partial<Given>[]): Candidate[] {
  return given.map(({ admission = "in", cost = 1, warmth = 1, probing = false }, at) => ({
    address: `10.0.0.${at}:1`,
    admission: () => admission,
    mayProbe: () => !probing,
    cost: () => cost,
    warmth: () => warmth,
  }));
}

/** Hands out these numbers, then the last for ever. */
function sequence(numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[Math.min(at++, numbers.length - 1)] ?? 0;
}

describe("a choice", () => {
  test("is one of the candidates whenever there is one", () => {
    fc.assert(
      fc.property(fc.array(backend, { maxLength: 8 }), draws, fc.nat(8), (given, numbers, avoid) => {
        const candidates = candidatesOf(given);
        const chosen = choose(candidates, 0, `10.0.0.${avoid}:1`, sequence(numbers));
        if (candidates.length === 0) expect(chosen).toBeUndefined();
        else expect(candidates).toContain(chosen);
      }),
    );
  });

  test("is no ejected one while another is in, and never the one to be avoided then", () => {
    fc.assert(
      fc.property(fc.array(backend, { maxLength: 8 }), draws, fc.nat(8), (given, numbers, avoid) => {
        const candidates = candidatesOf(given);
        const avoided = `10.0.0.${avoid}:1`;
        fc.pre(candidates.some((each) => each.admission(0) === "in" && each.address !== avoided));
        const chosen = choose(candidates, 0, avoided, sequence(numbers));
        expect(chosen?.admission(0)).toBe("in");
        expect(chosen?.address).not.toBe(avoided);
      }),
    );
  });

  test("tests one on probation, a call at a time", () => {
    const candidates = candidatesOf([{}, { admission: "probation" }]);
    expect(choose(candidates, 0)).toBe(candidates[1]);
    const probing = candidatesOf([{}, { admission: "probation", probing: true }]);
    expect(choose(probing, 0)).toBe(probing[0]);
  });

  test("of two is always the cheaper, of more never the dearest", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 8 }),
        draws,
        (costs, numbers) => {
          const chosen = choose(candidatesOf(costs.map((cost) => ({ cost }))), 0, undefined, sequence(numbers));
          expect(chosen?.cost(0)).toBeLessThan(Math.max(...costs));
        },
      ),
    );
  });

  test("gives a newcomer no more than its warmth, and no less", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 0.99, noNaN: true }), draws, (warmth, numbers) => {
        const candidates = candidatesOf([{ cost: 1000 }, { warmth }]);
        const chosen = choose(candidates, 0, undefined, sequence(numbers));
        expect(chosen).toBe((numbers[2] ?? 0) < warmth ? candidates[1] : candidates[0]);
      }),
    );
  });
});
