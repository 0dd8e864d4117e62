import { inspect } from "node:util";
import { status } from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { CallContext } from "./call.js";
import { DomainError, isDomainError } from "./errors.js";

/** What the log says of where a call comes from. */
export type Origin = Pick<CallContext, "requestId" | "peer" | "caller" | "principal" | "trace">;

/** What a call's line in the log is about, besides the method. */
export interface CallRecord {
  readonly origin: Origin;
  readonly durationMs: number;
}

/**
 * Writes a call's one line in the log, and with an error that nobody foresaw its stack.
 *
 * @param log bears the names of the service and the method.
 */
export function writeCallRecord(log: Logger, record: CallRecord, error?: DomainError, cause?: unknown): void {
  const { origin, durationMs } = record;
  const code = error?.code ?? status.OK;
  const line = {
    request_id: origin.requestId,
    trace_id: origin.trace?.traceId,
    principal: origin.principal?.name,
    caller: origin.caller,
    peer: origin.peer,
    status: status[code],
    reason: error?.reason,
    duration_ms: Math.round(durationMs * 1000) / 1000,
    ...(cause === undefined ? {} : { err: cause }),
  };
  switch (code) {
    case status.INTERNAL:
    case status.UNKNOWN:
    case status.DATA_LOSS:
      log.error(line, "call failed");
      break;
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.RESOURCE_EXHAUSTED:
      log.warn(line, "call failed");
      break;
    default:
      log.info(line, "call");
  }
}

/** What the caller is told of whatever a handler threw; `cause` is what only the log is told. */
export function explain(thrown: unknown, signal: AbortSignal): { error: DomainError; cause?: unknown } {
  // A call that was ended fails in many ways, all for that one reason.
  if (signal.aborted && isDomainError(signal.reason)) return { error: signal.reason };
  if (isDomainError(thrown)) return { error: thrown, cause: thrown.cause };
  const cause = thrown instanceof Error ? thrown : new TypeError(`Threw what is no error: ${inspect(thrown)}`);
  return { error: new DomainError("INTERNAL"), cause };
}
