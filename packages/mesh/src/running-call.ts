import { randomUUID } from "node:crypto";
import type { Deadline, Metadata, StatusObject } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { assertMayCall, type AccessRule } from "./access.js";
import type { ActiveCalls } from "./active-calls.js";
import { explain, writeCallRecord, type Origin } from "./call-record.js";
import type { CallContext } from "./call.js";
import { DomainError } from "./errors.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { observeServed } from "./observe/served-call.js";
import { childOf, parseTraceparent, startTrace, type TraceContext } from "./observe/trace.js";
import { toStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { AUTHORIZATION, CALLER, REQUEST_ID, TRACEPARENT, TRACESTATE } from "./wire-names.js";

/** What every call of a server shares. */
export interface CallEnvironment {
  readonly module: string;
  readonly log: Logger;
  readonly tokens: Tokens;
  /** The calls at work, so that a drain can wait for them and end those that would outlast it. */
  readonly calls: ActiveCalls;
  readonly observer?: MeshObserver;
}

/** A call as grpc-js hands it over. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Deadline;
  on(event: "cancelled", listener: () => void): unknown;
  off(event: "cancelled", listener: () => void): unknown;
}

/** How a call ended: with an answer, or with the status its caller gets. */
export type Outcome<T> = { readonly answer: T } | { readonly failure: StatusObject };

/** A caller hangs up at its deadline, which lies before the server's by the time the call took to arrive. */
const ARRIVAL_MS = 20;

/**
 * Does one call's work: finds out who calls, checks that they may, ends it when its caller goes, its deadline passes or
 * the server drains, and writes its line in the log. The only catch-all there is: never rejects.
 */
export async function runCall<T>(
  { module, log, tokens, calls, observer = SILENT }: CallEnvironment,
  call: IncomingCall,
  { rpc, rule }: { readonly rpc: string; readonly rule: AccessRule | undefined },
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
  const arrival = { requestId: requestIdOf(call.metadata), peer: call.getPeer(), trace };
  let origin: Origin = arrival;
  const record = (error?: DomainError, cause?: unknown) => {
    const ended = { service: module, rpc, origin, durationMs: performance.now() - startedMs };
    writeCallRecord(log, ended, error, cause);
    observeServed(observer, ended, parent, error);
  };
  try {
    const identity = await identify(tokens, call.metadata);
    origin = { ...arrival, ...identity };
    assertMayCall(rule, identity);
    const bindings = { service: module, request_id: arrival.requestId, trace_id: trace.traceId, rpc };
    const answer = await work({ ...arrival, ...identity, deadline, signal: abort.signal, log: log.child(bindings) });
    abort.signal.throwIfAborted();
    record();
    return { answer };
  } catch (thrown) {
    const { error, cause } = explain(thrown, abort.signal);
    record(error, cause);
    return { failure: toStatus(error) };
  } finally {
    call.off("cancelled", leave);
    end();
  }
}

type Identity = Pick<CallContext, "caller" | "principal" | "principalToken">;

async function identify(tokens: Tokens, metadata: Metadata): Promise<Identity> {
  const callerToken = text(metadata, CALLER);
  const principalToken = /^Bearer (.+)$/i.exec(text(metadata, AUTHORIZATION) ?? "")?.[1];
  return {
    caller: callerToken === undefined ? undefined : await tokens.serviceOf(callerToken),
    principal: principalToken === undefined ? undefined : await tokens.principalOf(principalToken),
    principalToken,
  };
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
