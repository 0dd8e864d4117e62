import { randomUUID } from "node:crypto";
import type { Deadline, Metadata, StatusObject } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { assertMayCall, type AccessRule } from "./access.js";
import type { Admission } from "./admission/admission.js";
import { parseCriticality } from "./admission/criticality.js";
import type { ActiveCalls } from "./active-calls.js";
import { explain, writeCallRecord } from "./call-record.js";
import type { CallContext } from "./call.js";
import type { MethodTraits } from "./definition.js";
import { DomainError, isDomainError } from "./errors.js";
import type { PeerNames } from "./identity/peer.js";
import { identify, type Identity } from "./identity/identify.js";
import type { Faults } from "./faults/faults.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { observeServed } from "./observe/served-call.js";
import { childOf, parseTraceparent, startTrace } from "./observe/trace.js";
import { ServedCall } from "./served-call.js";
import { toStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { CRITICALITY, REQUEST_ID, TRACEPARENT, TRACESTATE } from "./wire-names.js";

/** What every call of a server shares. */
export interface CallEnvironment {
  readonly module: string;
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
  /** Bears the names of the service and the method. */
  readonly log: Logger;
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
  { module, tokens, calls, admission, peerNames, faults, observer = SILENT }: CallEnvironment,
  call: IncomingCall,
  { rpc, kind, rule, log }: CalledMethod,
  work: (context: CallContext) => Promise<T>,
): Promise<Outcome<T>> {
  const startedMs = performance.now();
  const { metadata } = call;
  const deadline = toMs(call.getDeadline());
  const parent = parseTraceparent(text(metadata, TRACEPARENT), text(metadata, TRACESTATE));
  const trace = parent ? childOf(parent) : startTrace();
  const criticality = parseCriticality(text(metadata, CRITICALITY));
  const arrival = { requestId: requestIdOf(metadata), peer: call.getPeer(), trace, criticality, deadline };
  const served = new ServedCall(arrival, log);
  const end = calls.begin(served);
  const leave = () => {
    const late = deadline !== undefined && Date.now() >= deadline - ARRIVAL_MS;
    served.end(new DomainError(late ? "DEADLINE_EXCEEDED" : "CANCELLED"));
  };
  call.on("cancelled", leave);
  if (call.cancelled) leave();

  const findCaller = async (): Promise<Identity> =>
    Object.assign(served, await identify(tokens, metadata, peerNames?.(call)));
  const record = (error?: DomainError, cause?: unknown) => {
    const durationMs = performance.now() - startedMs;
    writeCallRecord(log, { origin: served, durationMs }, error, cause);
    observeServed(observer, { service: module, rpc, origin: served, durationMs }, parent, error);
  };
  let left: (() => void) | undefined;
  try {
    left = await admission.enter({ method: rpc, kind, criticality });
    served.signal.throwIfAborted();
    assertMayCall(rule, await findCaller());
    await faults?.harm(module, rpc, served.signal);
    const answer = await work(served);
    served.signal.throwIfAborted();
    record();
    return { answer };
  } catch (thrown) {
    const { error, cause } = explain(thrown, served.signal);
    if (!left && isDomainError(error, "OVERLOADED")) {
      // Whoever is turned away is counted by name: a look at what is remembered of its token.
      await findCaller().catch(() => undefined);
      observer.shed?.({ service: module, method: rpc, caller: served.caller, criticality });
    }
    record(error, cause);
    return { failure: toStatus(error) };
  } finally {
    call.off("cancelled", leave);
    left?.();
    end();
  }
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
