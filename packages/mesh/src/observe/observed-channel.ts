import { status } from "@grpc/grpc-js";
import type { CallScope } from "../call.js";
import type { CallFacts, CallShape, Channel } from "../channel.js";
import { isDomainError } from "../errors.js";
import type { MeshObserver } from "./events.js";
import { publishSpan } from "./spans.js";
import { childOf, startTrace } from "./trace.js";

/**
 * A channel whose every call is told to an observer when it ends, and is a span of its scope's trace, or of one of its
 * own: all attempts of a call are in the same.
 */
export function observeChannel(channel: Channel, service: string, caller: string, observer: MeshObserver): Channel {
  const begin = (shape: CallShape, scope: CallScope) => {
    const method = shape.path.slice(1);
    const startMs = performance.now();
    const facts: CallFacts = { attempt: 1 };
    const trace = scope.trace ? childOf(scope.trace) : startTrace();
    const end = (code: status) => {
      const durationMs = performance.now() - startMs;
      observer.clientCall?.({ caller, service, method, code, durationMs, ...facts });
      if (!trace.sampled) return;
      publishSpan(() => ({
        name: method,
        kind: "client",
        module: caller,
        trace,
        parentSpanId: scope.trace?.spanId,
        startMs: performance.timeOrigin + startMs,
        durationMs,
        attributes: {
          ...rpcAttributes(method, code),
          ...(facts.backend === undefined ? {} : { "server.address": facts.backend }),
          ...(facts.attempt > 1 ? { "rpc.grpc.attempt": facts.attempt } : {}),
        },
        error: code === status.OK ? undefined : status[code],
      }));
    };
    return { facts, scope: { ...scope, trace }, end };
  };

  return {
    async unary(shape, request, scope) {
      const call = begin(shape, scope);
      try {
        const answer = await channel.unary(shape, request, call.scope, call.facts);
        call.end(status.OK);
        return answer;
      } catch (error) {
        call.end(codeOf(error));
        throw error;
      }
    },

    async *stream(shape, request, scope) {
      const call = begin(shape, scope);
      // A reader that leaves the loop early has what it wanted: the call counts as cancelled.
      let code: status = status.CANCELLED;
      try {
        yield* channel.stream(shape, request, call.scope, call.facts);
        code = status.OK;
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        call.end(code);
      }
    },

    close() {
      channel.close();
    },
  };
}

/** By the semantic conventions of OpenTelemetry for RPC. */
export function rpcAttributes(method: string, code: status): Readonly<Record<string, string | number>> {
  const slash = method.lastIndexOf("/");
  return {
    "rpc.system": "grpc",
    "rpc.service": method.slice(0, slash),
    "rpc.method": method.slice(slash + 1),
    "rpc.grpc.status_code": code,
  };
}

function codeOf(error: unknown): status {
  return isDomainError(error) ? error.code : status.UNKNOWN;
}
