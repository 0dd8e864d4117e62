import { expect, test } from "@jest/globals";
import { newTraceparent } from "../src/trace.js";

test("each request begins a well-formed trace of its own", () => {
  const traces = Array.from({ length: 1_000 }, newTraceparent);
  for (const trace of traces) expect(trace).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
  expect(new Set(traces.map((trace) => trace.slice(3, 35))).size).toBe(1_000);
  expect(new Set(traces.map((trace) => trace.slice(36, 52))).size).toBe(1_000);
});
