import { status } from "@grpc/grpc-js";
import type { ServerCallEvent } from "./events.js";

/** A call as an operator may see it: who called what and how it went, never what was said or with which token. */
export interface RecentCall {
  /** RFC 3339. */
  readonly time: string;
  readonly caller: string;
  readonly service: string;
  readonly method: string;
  readonly status: string;
  readonly durationMs: number;
  readonly reason?: string;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly principal?: string;
  readonly peer?: string;
}

/** The latest calls that this process served. */
export interface RecentCalls {
  add(event: ServerCallEvent): void;
  /** The oldest first. */
  list(): readonly RecentCall[];
  /** Hears every call from now on; the answer stops it. */
  follow(listener: (call: RecentCall) => void): () => void;
}

/** @param most how many are kept. */
export function createRecentCalls(most = 500, now: () => Date = () => new Date()): RecentCalls {
  const ring: { readonly event: ServerCallEvent; readonly time: Date }[] = [];
  let next = 0;
  const listeners = new Set<(call: RecentCall) => void>();
  return {
    add(event) {
      const time = now();
      ring[next] = { event, time };
      next = (next + 1) % most;
      if (listeners.size === 0) return;
      const call = seen(event, time);
      for (const listener of listeners) listener(call);
    },
    list() {
      const [newer, older] = ring.length < most ? [ring, []] : [ring.slice(0, next), ring.slice(next)];
      return [...older, ...newer].map(({ event, time }) => seen(event, time));
    },
    follow(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** Field by field, so that what an event bears besides never gets out. */
function seen(event: ServerCallEvent, time: Date): RecentCall {
  const { caller = "unknown", service, method, code, durationMs, reason, requestId, traceId, principal, peer } = event;
  return {
    time: time.toISOString(),
    caller,
    service,
    method,
    status: status[code],
    durationMs: Math.round(durationMs * 1000) / 1000,
    ...(reason === undefined ? {} : { reason }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(traceId === undefined ? {} : { traceId }),
    ...(principal === undefined ? {} : { principal }),
    ...(peer === undefined ? {} : { peer }),
  };
}
