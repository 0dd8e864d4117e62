import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TraceContext } from "./trace.js";

/** A step of a trace that has ended. */
export interface Span {
  /** Few in number, such as `package.Service/Method`: never with an id in it. */
  readonly name: string;
  readonly kind: "client" | "server";
  /** The module whose step it is. */
  readonly module: string;
  readonly trace: TraceContext;
  /** Absent: the trace began here. */
  readonly parentSpanId?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** What went wrong, if it did. */
  readonly error?: string | undefined;
}

const NAME = "reelmesh:span";
const ended = channel(NAME);

/** Tells whoever listens of a span; costs next to nothing while nobody does. */
export function publishSpan(span: () => Span): void {
  if (ended.hasSubscribers) ended.publish(span());
}

/** Hears every span of this process until it is told to stop. */
export function subscribeToSpans(listener: (span: Span) => void): () => void {
  const heard = (message: unknown) => {
    if (isSpan(message)) listener(message);
  };
  subscribe(NAME, heard);
  return () => {
    unsubscribe(NAME, heard);
  };
}

function isSpan(message: unknown): message is Span {
  return typeof message === "object" && message !== null && "trace" in message && "startMs" in message;
}
