import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Criticality } from "./admission/criticality.js";
import { DomainError } from "./errors.js";
import { startTrace, type TraceContext } from "./observe/trace.js";

/** Who is asking: a person. */
export interface Principal {
  /** `users/{user}`. */
  readonly name: string;
}

/** What travels with a piece of work from hop to hop. Given to a client, the call inherits all of it. */
export interface CallScope {
  /** Names the request in every log line it causes. */
  readonly requestId: string;
  /** Milliseconds since the epoch after which nobody waits for the answer. Absent: nobody set a limit. */
  readonly deadline?: number | undefined;
  /** Aborted when the deadline passes, the caller goes, or the process stops. */
  readonly signal: AbortSignal;
  /** Absent: somebody unknown. */
  readonly principal?: Principal | undefined;
  /** The token that proves the principal, forwarded to the next hop. */
  readonly principalToken?: string | undefined;
  /** How much it matters when not all can be served. Absent: critical. */
  readonly criticality?: Criticality | undefined;
  /** The span that the work is done in. Absent: it belongs to no trace. */
  readonly trace?: TraceContext | undefined;
}

/** What a handler knows of the call it answers. */
export interface CallContext extends CallScope {
  /** The service that calls, by its token. Absent: not a service of this mesh. */
  readonly caller?: string | undefined;
  /** Where the call comes from, for logs. */
  readonly peer: string;
  /** Bears the request's id and method. */
  readonly log: Logger;
}

/** The scope of work that nobody asked for, such as a reconciling loop. */
export function backgroundScope(signal: AbortSignal, options: { timeoutMs?: number } = {}): CallScope {
  const origin = { requestId: randomUUID(), trace: startTrace(), criticality: "sheddable" } as const;
  if (options.timeoutMs === undefined) return { ...origin, signal };
  const late = new AbortController();
  setTimeout(() => {
    late.abort(new DomainError("DEADLINE_EXCEEDED"));
  }, options.timeoutMs).unref();
  return {
    ...origin,
    deadline: Date.now() + options.timeoutMs,
    signal: AbortSignal.any([signal, late.signal]),
  };
}
