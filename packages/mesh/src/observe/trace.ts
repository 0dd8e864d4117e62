import { randomBytes } from "node:crypto";

/** Where a piece of work stands in a trace (W3C Trace Context, https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits: the span that the work is done in, the parent of what it calls. */
  readonly spanId: string;
  /** Whether the spans are to be exported, as whoever began the trace decided. */
  readonly sampled: boolean;
  /** What other vendors' tracing systems passed along, unread. */
  readonly state?: string | undefined;
}

/** Section 3.2.2: a version other than ff may append fields; ids of zeros alone are invalid. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Section 3.3.1.5: at least 512 characters should travel on. */
const LONGEST_STATE = 512;

/** Reads the two headers of a trace; undefined where they are absent or unusable, which starts a new one. */
export function parseTraceparent(traceparent: string | undefined, state?: string): TraceContext | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  const sampled = (Number.parseInt(flags, 16) & 1) === 1;
  const passed = state !== undefined && state.length <= LONGEST_STATE && /^[\x20-\x7e]+$/.test(state);
  return { traceId, spanId, sampled, ...(passed ? { state } : {}) };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** A trace of its own. */
export function startTrace(): TraceContext {
  return { traceId: hex(32), spanId: hex(16), sampled: true };
}

/** The same trace in a new span: one more step of the work. */
export function childOf({ traceId, sampled, state }: TraceContext): TraceContext {
  const spanId = hex(16);
  return state === undefined ? { traceId, spanId, sampled } : { traceId, spanId, sampled, state };
}

/** How many random bytes are drawn at a time: one by one they would cost more than all else that is done for a span. */
const DRAWN_BYTES = 2048;
let drawn = "";
let used = 0;

/** Random digits, of which so many are never all zeros. */
function hex(digits: number): string {
  if (used + digits > drawn.length) {
    drawn = randomBytes(DRAWN_BYTES).toString("hex");
    used = 0;
  }
  used += digits;
  return drawn.slice(used - digits, used);
}
