import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { childOf, formatTraceparent, parseTraceparent, startTrace } from "../../src/observe/trace.js";
import { isSampled } from "../../src/observe/trace-export.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    [`00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, sampled: false }],
    [`00-${TRACE}-${SPAN}-03`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    [`cc-${TRACE}-${SPAN}-01-what-comes-later`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    [`00-${TRACE}-${SPAN}-01-more`, undefined],
    [`ff-${TRACE}-${SPAN}-01`, undefined],
    [`00-${"0".repeat(32)}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${SPAN}-1`, undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s is read", (traceparent, trace) => {
    expect(parseTraceparent(traceparent)).toEqual(trace);
  });

  test("whatever it is, is read without an exception, and what is understood is written alike", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)),
        (text) => {
          const trace = parseTraceparent(text);
          if (trace) expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
        },
      ),
    );
  });

  test("carries a tracestate of a fair length, and no other", () => {
    const header = `00-${TRACE}-${SPAN}-01`;
    expect(parseTraceparent(header, "vendor=1")?.state).toBe("vendor=1");
    expect(parseTraceparent(header, "v".repeat(513))).not.toHaveProperty("state");
    expect(parseTraceparent(header, "line\nbreak")).not.toHaveProperty("state");
  });
});

test("a trace's ids are well-formed, and a child is in the same trace", () => {
  for (let count = 0; count < 1_000; count += 1) {
    const trace = startTrace();
    const child = childOf(trace);
    expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    expect(child).toEqual({ ...trace, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(child.spanId).not.toBe(trace.spanId);
  }
});

test("a share of traces is exported, the smaller always within the larger", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), fc.double({ min: 0, max: 1, noNaN: true }), (id, share) => {
      expect(isSampled(id, 1)).toBe(true);
      expect(isSampled(id, 0)).toBe(false);
      if (isSampled(id, share / 2)) expect(isSampled(id, share)).toBe(true);
    }),
  );
});
