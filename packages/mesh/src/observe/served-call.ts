import { status } from "@grpc/grpc-js";
import type { Origin } from "../call-record.js";
import type { DomainError } from "../errors.js";
import type { MeshObserver } from "./events.js";
import { rpcAttributes } from "./observed-channel.js";
import { publishSpan } from "./spans.js";
import type { TraceContext } from "./trace.js";

/** Statuses that are the server's fault, by the semantic conventions of OpenTelemetry for gRPC. */
const SERVER_FAULTS: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Tells of a call that a server has answered. */
export function observeServed(
  observer: MeshObserver,
  { service, rpc, origin, durationMs }: { service: string; rpc: string; origin: Origin; durationMs: number },
  parent: TraceContext | undefined,
  error: DomainError | undefined,
): void {
  const code = error?.code ?? status.OK;
  const { requestId, peer, caller, principal, trace } = origin;
  observer.serverCall?.({
    service,
    method: rpc,
    caller,
    code,
    durationMs,
    reason: error?.reason,
    requestId,
    principal: principal?.name,
    peer,
    traceId: trace?.traceId,
  });
  if (!trace?.sampled) return;
  publishSpan(() => ({
    name: rpc,
    kind: "server",
    module: service,
    trace,
    parentSpanId: parent?.spanId,
    startMs: Date.now() - durationMs,
    durationMs,
    attributes: {
      ...rpcAttributes(rpc, code),
      "client.address": peer,
      "reelmesh.request_id": requestId,
      ...(caller === undefined ? {} : { "reelmesh.caller": caller }),
      ...(error ? { "reelmesh.reason": error.reason } : {}),
    },
    error: SERVER_FAULTS.has(code) ? status[code] : undefined,
  }));
}
