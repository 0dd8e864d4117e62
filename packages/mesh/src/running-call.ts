import { randomUUID } from "node:crypto";
import type { Deadline, Metadata, StatusObject } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { assertMayCall, type AccessRule } from "./access.js";
import type { Admission } from "./admission/admission.js";
import { parseCriticality } from "./admission/criticality.js";
import type { ActiveCalls } from "./active-calls.js";
import { explain, writeCallRecord, type Origin } from "./call-record.js";
import type { CallContext } from "./call.js";
import type { MethodTraits } from "./definition.js";
import { DomainError, isDomainError } from "./errors.js";
import type { PeerNames } from "./identity/peer.js";
import { identify } from "./identity/identify.js";
import type { Faults } from "./faults/faults.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { observeServed } from "./observe/served-call.js";
import { childOf, parseTraceparent, startTrace, type TraceContext } from "./observe/trace.js";
import { toStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { CRITICALITY, REQUEST_ID, TRACEPARENT, TRACESTATE } from "./wire-names.js";

/** What every call of a server shares. */
export interface CallEnvironment {
  readonly module: string;
  readonly log: Logger;
  readonly tokens: Tokens;
  /** The calls at work, so that a drain can wait for them and end those that would outlast it. */
  readonly calls: ActiveCalls;
  readonly admission: Admission;
  /** The names in a caller's certificate. Absent: calls come in plaintext, and their tokens alone say who calls. */
  readonly peerNames?: PeerNames | undefined;
  /** Harm on purpose. Absent: not allowed. */
  readonly faults?: Faults | undefined;
  readonly observer?: MeshObserver;
}

/** The method that is called. */
export interface CalledMethod {
  /** `package.Service/Method`. */
  readonly rpc: string;
  readonly kind: MethodTraits["kind"];
  readonly rule: AccessRule | undefined;
}

/** A call as grpc-js hands it over. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Deadline;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined } };
  on(event: "cancelled", listener: () => void): unknown;
  off(event: "cancelled", listener: () => void): unknown;
}

/** How a call ended: with an answer, or with the status its caller gets. */
export type Outcome<T> = { readonly answer: T } | { readonly failure: StatusObject };

/** A caller hangs up at its deadline, which lies before the server's by the time the call took to arrive. */
const ARRIVAL_MS = 20;

/**
 * Does one call's work: lets it in, finds out who calls, checks that they may, ends it when its caller goes, its deadline passes or
 * the server drains, and writes its line in the log. The only catch-all there is: never rejects.
 */
export async function runCall<T>(
  { module, log, tokens, calls, admission, peerNames, faults, observer = SILENT }: CallEnvironment,
  call: IncomingCall,
  { rpc, kind, rule }: CalledMethod,
  work: (context: CallContext) => Promise<T>,
): Promise<Outcome<T>> {
  const startedMs = performance.now();
  const deadline = toMs(call.getDeadline());
  const abort = new AbortController();
  const end = calls.begin(abort);
  const leave = () => {
    const late = deadline !== undefined && Date.now() >= deadline - ARRIVAL_MS;
    abort.abort(new DomainError(late ? "DEADLINE_EXCEEDED" : "CANCELLED"));
  };
  call.on("cancelled", leave);
  if (call.cancelled) leave();

  const { trace, parent } = traceOf(call.metadata);
  const criticality = parseCriticality(text(call.metadata, CRITICALITY));
  const arrival = { requestId: requestIdOf(call.metadata), peer: call.getPeer(), trace, criticality };
  let origin: Origin = arrival;
  const record = (error?: DomainError, cause?: unknown) => {
    const ended = { service: module, rpc, origin, durationMs: performance.now() - startedMs };
    writeCallRecord(log, ended, error, cause);
    observeServed(observer, ended, parent, error);
  };
  let left: (() => void) | undefined;
  try {
    left = await admission.enter({ method: rpc, kind, criticality });
    abort.signal.throwIfAborted();
    const identity = await identify(tokens, call.metadata, peerNames?.(call));
    origin = { ...arrival, ...identity };
    assertMayCall(rule, identity);
    await faults?.harm(module, rpc, abort.signal);
    const bindings = { service: module, request_id: arrival.requestId, trace_id: trace.traceId, rpc };
    const answer = await work({ ...arrival, ...identity, deadline, signal: abort.signal, log: log.child(bindings) });
    abort.signal.throwIfAborted();
    record();
    return { answer };
  } catch (thrown) {
    const { error, cause } = explain(thrown, abort.signal);
    if (!left && isDomainError(error, "OVERLOADED")) {
      // Whoever is turned away is counted by name: a look at what is remembered of its token.
      const identity = await identify(tokens, call.metadata, peerNames?.(call)).catch(() => undefined);
      origin = { ...arrival, ...identity };
      observer.shed?.({ service: module, method: rpc, caller: identity?.caller, criticality });
    }
    record(error, cause);
    return { failure: toStatus(error) };
  } finally {
    call.off("cancelled", leave);
    left?.();
    end();
  }
}

/** The call's own span, in the trace it came with or else in a new one. */
function traceOf(metadata: Metadata): { trace: TraceContext; parent?: TraceContext } {
  const parent = parseTraceparent(text(metadata, TRACEPARENT), text(metadata, TRACESTATE));
  return parent ? { trace: childOf(parent), parent } : { trace: startTrace() };
}

function requestIdOf(metadata: Metadata): string {
  const given = text(metadata, REQUEST_ID);
  return given !== undefined && /^[\w-]{8,64}$/.test(given) ? given : randomUUID();
}

function text(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === "string" ? value : undefined;
}

function toMs(deadline: Deadline): number | undefined {
  const ms = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(ms) ? ms : undefined;
}
