import { randomUUID } from "node:crypto";
import type { Deadline, Metadata, StatusObject } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { assertMayCall, type AccessRule } from "./access.js";
import { explain, writeCallRecord } from "./call-record.js";
import type { CallContext } from "./call.js";
import { DomainError } from "./errors.js";
import { toStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { AUTHORIZATION, CALLER, REQUEST_ID } from "./wire-names.js";

/** What every call of a server shares. */
export interface CallEnvironment {
  readonly module: string;
  readonly log: Logger;
  readonly tokens: Tokens;
  /** The calls at work, so that a drain can end those that would outlast it. */
  readonly active: Set<AbortController>;
}

/** A call as grpc-js hands it over. */
export interface IncomingCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Deadline;
  once(event: "cancelled", listener: () => void): unknown;
}

/** How a call ended: with an answer, or with the status its caller gets. */
export type Outcome<T> = { readonly answer: T } | { readonly failure: StatusObject };

/**
 * Does one call's work: finds out who calls, checks that they may, ends it when its caller goes, its deadline passes or
 * the server drains, and writes its line in the log. The only catch-all there is: never rejects.
 */
export async function runCall<T>(
  environment: CallEnvironment,
  call: IncomingCall,
  method: { readonly rpc: string; readonly rule: AccessRule | undefined },
  work: (context: CallContext) => Promise<T>,
): Promise<Outcome<T>> {
  const startedMs = performance.now();
  const abort = new AbortController();
  environment.active.add(abort);
  const deadline = toMs(call.getDeadline());
  const leave = () => {
    const late = deadline !== undefined && Date.now() >= deadline;
    abort.abort(new DomainError(late ? "DEADLINE_EXCEEDED" : "CANCELLED"));
  };
  call.once("cancelled", leave);
  if (call.cancelled) leave();

  let context = unidentified(environment, call, method.rpc, abort.signal, deadline);
  const record = (error?: DomainError, cause?: unknown) => {
    writeCallRecord(
      environment.log,
      { service: environment.module, rpc: method.rpc, context, startedMs },
      error,
      cause,
    );
  };
  try {
    context = await identify(environment.tokens, call.metadata, context);
    assertMayCall(method.rule, context);
    const answer = await work(context);
    record();
    return { answer };
  } catch (thrown) {
    const { error, cause } = explain(thrown, abort.signal);
    record(error, cause);
    return { failure: toStatus(error) };
  } finally {
    environment.active.delete(abort);
  }
}

function unidentified(
  { log }: CallEnvironment,
  call: IncomingCall,
  rpc: string,
  signal: AbortSignal,
  deadline: number | undefined,
): CallContext {
  const given = text(call.metadata, REQUEST_ID);
  const requestId = given !== undefined && /^[\w-]{8,64}$/.test(given) ? given : randomUUID();
  return { requestId, signal, deadline, peer: call.getPeer(), log: log.child({ request_id: requestId, rpc }) };
}

async function identify(tokens: Tokens, metadata: Metadata, context: CallContext): Promise<CallContext> {
  const callerToken = text(metadata, CALLER);
  const principalToken = /^Bearer (.+)$/i.exec(text(metadata, AUTHORIZATION) ?? "")?.[1];
  return {
    ...context,
    caller: callerToken === undefined ? undefined : await tokens.serviceOf(callerToken),
    principal: principalToken === undefined ? undefined : await tokens.principalOf(principalToken),
    principalToken,
  };
}

function text(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === "string" ? value : undefined;
}

function toMs(deadline: Deadline): number | undefined {
  const ms = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(ms) ? ms : undefined;
}
