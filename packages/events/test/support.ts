import { createLog, type Logger } from "../../mesh/src/log.js";
import { createMetrics } from "../../mesh/src/observe/metrics.js";
import { createEventMetrics, type EventMetrics } from "../src/metrics.js";

/** What a bus needs, and what it counted. */
export interface Parts {
  readonly log: Logger;
  readonly metrics: EventMetrics;
  /** A metric's value by its name without `reelmesh_events_`, all labels together. */
  counted(name: string): Promise<number>;
}

export function createParts(): Parts {
  const metrics = createMetrics();
  return {
    log: createLog("silent"),
    metrics: createEventMetrics(metrics.meter, "test"),
    async counted(name) {
      const values = (await metrics.text()).matchAll(new RegExp(`^reelmesh_events_${name}\\{.*\\} (\\d+)$`, "gm"));
      return Array.from(values, ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0);
    },
  };
}
