import type { Meter } from "@reelmesh/mesh/observe/meter.js";
import type { EventType } from "./bus.js";

/** Why an event was given up: no room left to wait in, every attempt failed. */
export type DropReason = "full" | "failed";

/** Counts what becomes of events, and whether they can travel. */
export interface EventMetrics {
  published(type: EventType): void;
  delivered(type: EventType): void;
  redelivered(type: EventType): void;
  dropped(type: EventType, reason: DropReason): void;
  connected(connected: boolean): void;
}

/** @param module whose events they are. */
export function createEventMetrics(meter: Meter, module: string): EventMetrics {
  const labels = ["module", "type"] as const;
  const published = meter.counter("events_published_total", "Events handed over to be told", labels);
  const delivered = meter.counter("events_delivered_total", "Events that a handler has dealt with", labels);
  const redelivered = meter.counter("events_redelivered_total", "Events that came, or were tried, again", labels);
  const dropped = meter.counter("events_dropped_total", "Events given up", [...labels, "reason"] as const);
  const connected = meter.gauge("events_connected", "1 while events can travel", ["module"]);
  return {
    published: (type) => {
      published.inc({ module, type });
    },
    delivered: (type) => {
      delivered.inc({ module, type });
    },
    redelivered: (type) => {
      redelivered.inc({ module, type });
    },
    dropped: (type, reason) => {
      dropped.inc({ module, type, reason });
    },
    connected: (now) => {
      connected.set({ module }, now ? 1 : 0);
    },
  };
}
