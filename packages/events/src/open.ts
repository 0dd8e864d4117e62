import type { Mesh } from "@reelmesh/mesh/module.js";
import type { Bus } from "./bus.js";
import type { EventsLocation } from "./config.js";
import { createExchange, createInProcessBus, type Exchange } from "./in-process.js";
import { createEventMetrics } from "./metrics.js";

/** By the signal that the modules of one process share. */
const exchanges = new WeakMap<AbortSignal, Exchange>();

/**
 * Opens a module's bus: through RabbitMQ, or among the modules of this process. A broker that cannot be reached fails
 * nothing: it is looked for until the bus closes.
 */
export async function openBus(
  location: EventsLocation,
  module: string,
  mesh: Pick<Mesh, "log" | "meter" | "signal">,
): Promise<Bus> {
  const { log, meter, signal } = mesh;
  const parts = { log, metrics: createEventMetrics(meter, module) };
  if (location !== "in process") {
    const { connectRabbit } = await import("./rabbit.js");
    return connectRabbit(location.url, { ...parts, connectionName: `reelmesh ${module}` });
  }
  const exchange = exchanges.get(signal) ?? createExchange();
  exchanges.set(signal, exchange);
  return createInProcessBus(exchange, parts);
}
