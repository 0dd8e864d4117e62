import type { Metadata, ServiceError } from "@grpc/grpc-js";
import type { CallScope } from "../call.js";
import type { CallFacts, CallShape } from "../channel.js";
import type { DomainError } from "../errors.js";
import type { MeshObserver } from "../observe/events.js";
import { fromStatus } from "../status.js";
import type { AttemptEnd } from "./attempt.js";
import { backoffMs } from "./backoff.js";
import type { Budget } from "./budget.js";
import type { LatencyQuantile } from "./latency.js";
import type { Lines } from "./lines.js";
import { judge } from "./retry-policy.js";

/** What all calls on one channel share. */
export interface Calls {
  readonly lines: Lines;
  /** The service called, and the module that calls it. */
  readonly service: string;
  readonly caller: string;
  readonly budget: Budget;
  readonly observer: MeshObserver;
  /** How long a call waits for a service that no connection reaches, in milliseconds. */
  readonly patienceMs: number;
  /** The latency after which a method's call is hedged. */
  latencyOf(path: string): LatencyQuantile;
}

/** One call to be made. */
export interface OutgoingCall {
  readonly shape: CallShape;
  readonly request: Buffer;
  readonly metadata: Metadata;
  readonly scope: CallScope;
  /** Milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
  readonly facts: CallFacts | undefined;
}

/** A call spends no more retries than this on attempts that a server had. */
const MOST_RETRIES = 4;

/** What the caller is told of an attempt that failed. */
export function failureOf(end: AttemptEnd, service: string): DomainError {
  const { code, details, metadata } = end;
  const error: ServiceError = Object.assign(new Error(`${code} ${details}`), { code, details, metadata });
  return fromStatus(error, service);
}

/** Decides on one call's retries, one after another. */
export function createRetrier(calls: Calls, { shape, deadline }: Pick<OutgoingCall, "shape" | "deadline">) {
  const { budget, service, patienceMs } = calls;
  const giveUp = Math.min(deadline, Date.now() + patienceMs);
  let paid = 0;
  let free = 0;
  return {
    /** Whether another attempt makes sense at all. */
    allows: (end: AttemptEnd) => judge(end, shape.idempotency, service) !== undefined,
    /** How many milliseconds to wait before the next attempt; undefined when there is to be none. */
    next(end: AttemptEnd): number | undefined {
      const verdict = judge(end, shape.idempotency, service);
      if (!verdict) return undefined;
      if (!verdict.free && paid >= MOST_RETRIES) return undefined;
      // Those whom a server asked to wait as long do not come back in step.
      const wish = (verdict.waitMs ?? 0) * (verdict.doubles === true ? 2 ** paid : 1);
      const waitMs = wish + backoffMs(verdict.free ? free : paid);
      if (Date.now() + waitMs >= (verdict.free ? giveUp : deadline)) return undefined;
      if (verdict.free) free += 1;
      else if (budget.withdraw()) paid += 1;
      else return undefined;
      return waitMs;
    },
  };
}
