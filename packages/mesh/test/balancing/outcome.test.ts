import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { createUsualLatencies, outcomeOf } from "../../src/balancing/outcome.js";

describe("a call's end", () => {
  test.each([
    // An answer is an answer, whatever it says.
    [status.OK, 5, 5, "well"],
    [status.NOT_FOUND, 5, 5, "well"],
    [status.PERMISSION_DENIED, undefined, undefined, "well"],
    [status.UNAVAILABLE, 5, 5, "unwell"],
    [status.INTERNAL, undefined, undefined, "unwell"],
    [status.RESOURCE_EXHAUSTED, 5_000, 5, "nothing"],
    // A caller's short patience.
    [status.DEADLINE_EXCEEDED, 50, 5, "nothing"],
    [status.CANCELLED, 50, 5, "nothing"],
    [status.DEADLINE_EXCEEDED, 5_000, undefined, "nothing"],
    // The server's own slowness.
    [status.DEADLINE_EXCEEDED, 1_000, 100, "unwell"],
    [status.CANCELLED, 1_000, 100, "unwell"],
    [status.OK, 1_000, 100, "unwell"],
    [status.OK, 999, 5, "well"],
    [status.OK, 1_999, 200, "well"],
    [status.OK, undefined, 5, "well"],
  ] as const)("of status %i after %s ms where %s are usual shows that it is %s", (code, latency, usual, outcome) => {
    expect(outcomeOf(code, latency, usual)).toBe(outcome);
  });
});

test("what is usual follows each method by itself", () => {
  const usual = createUsualLatencies();
  expect(usual.of("a")).toBeUndefined();
  usual.observe("a", 100);
  usual.observe("b", 5);
  for (let i = 0; i < 100; i++) usual.observe("a", 10);
  expect(usual.of("a")).toBeCloseTo(10, 1);
  expect(usual.of("b")).toBe(5);
});
