import { setTimeout as pause } from "node:timers/promises";
import { backoffMs } from "@reelmesh/mesh/calls/backoff.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import { settlesWithin } from "@reelmesh/mesh/patience.js";
import type { EventHandler, ResourceEvent } from "./bus.js";
import type { EventMetrics } from "./metrics.js";

/** How often a handler is called with an event before it is dropped. */
export const MOST_ATTEMPTS = 5;

/** How long a handler may take: one that hangs must not hold up the others for ever. */
const HANDLER_MS = 30_000;

/** A subscription's handler, called until it is done, or has failed too often. */
export interface Listener {
  /** Never rejects. False when it was closed before the event was dealt with. */
  hear(event: ResourceEvent): Promise<boolean>;
  /** Aborts the handlers' signal, and resolves when they have ended. */
  close(): Promise<void>;
}

export function createListener(handler: EventHandler, parts: { log: Logger; metrics: EventMetrics }): Listener {
  const { log, metrics } = parts;
  const closing = new AbortController();
  const { signal } = closing;
  const running = new Set<Promise<boolean>>();
  const isClosed = () => signal.aborted;

  const call = async (event: ResourceEvent) => {
    const inTime = await settlesWithin(HANDLER_MS, Promise.resolve(handler(event, signal)));
    if (!inTime) throw new Error(`The handler has not ended after ${HANDLER_MS} ms`);
  };

  const persist = async (event: ResourceEvent) => {
    for (let attempts = 1; !isClosed(); attempts++) {
      try {
        await call(event);
        metrics.delivered(event.type);
        return true;
      } catch (error) {
        if (isClosed()) return false;
        if (attempts === MOST_ATTEMPTS) {
          log.warn({ err: error, event }, "an event is dropped: its handler keeps failing");
          metrics.dropped(event.type, "failed");
          return true;
        }
      }
      metrics.redelivered(event.type);
      await pause(backoffMs(attempts), undefined, { signal }).catch(() => undefined);
    }
    return false;
  };

  return {
    hear(event) {
      const work = persist(event).finally(() => running.delete(work));
      running.add(work);
      return work;
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}
