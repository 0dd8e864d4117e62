import { status } from "@grpc/grpc-js";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { MeshObserver } from "./events.js";
import { createMeter, type Meter } from "./meter.js";

/** What /metrics shows, and the observer that counts it. */
export interface Metrics {
  readonly observer: MeshObserver;
  /** Where modules add their own. */
  readonly meter: Meter;
  readonly contentType: string;
  /** In Prometheus' text format. */
  text(): Promise<string>;
  close(): void;
}

/** Around what a call takes on one machine, and up to what a deadline allows. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** Callers are named by tokens that any holder of the mesh's secret can make: beyond so many they share a label. */
const MOST_CALLERS = 64;

/**
 * Counts calls by method on both sides, what balancers do, and the process itself.
 *
 * Durations have no label for the code or the caller, counts have: so many histograms are no use to anybody.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name: `reelmesh_${name}`, help, labelNames, registers });
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Gauge({ name: `reelmesh_${name}`, help, labelNames, registers });
  const histogram = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Histogram({ name: `reelmesh_${name}`, help, labelNames, registers, buckets: SECONDS });

  const edge = ["caller", "service", "method"] as const;
  const clientCalls = counter("rpc_client_calls_total", "Calls made, by how they ended", [...edge, "code"]);
  const clientSeconds = histogram("rpc_client_duration_seconds", "How long calls took, retries included", edge);
  const serverCalls = counter("rpc_server_calls_total", "Calls served, by how they ended", [...edge, "code"]);
  const serverSeconds = histogram("rpc_server_duration_seconds", "How long calls were worked on", [
    "service",
    "method",
  ]);
  const retries = counter("rpc_client_retries_total", "Further attempts after one that failed", [...edge, "code"]);
  const hedges = counter("rpc_client_hedges_total", "Second attempts beside a slow one", [...edge, "outcome"]);
  const shed = counter("rpc_server_shed_total", "Calls refused for having too much to do", [...edge, "criticality"]);
  const backendLabels = ["caller", "service", "backend"] as const;
  const ready = gauge("backend_ready", "1 while calls may go to the backend", backendLabels);
  const ejected = gauge("backend_ejected", "1 while the backend gets no calls for its failures", backendLabels);
  const ewma = gauge("backend_ewma_seconds", "Peak-EWMA of the backend's latency", backendLabels);
  const outstanding = gauge("backend_outstanding", "Calls that the backend has yet to answer", backendLabels);

  const callers = new Set<string>();
  const bounded = (caller = "unknown"): string => {
    if (callers.has(caller)) return caller;
    if (callers.size >= MOST_CALLERS) return "other";
    callers.add(caller);
    return caller;
  };

  return {
    observer: {
      clientCall({ caller, service, method, code, durationMs }) {
        clientCalls.inc({ caller, service, method, code: status[code] });
        clientSeconds.observe({ caller, service, method }, durationMs / 1000);
      },
      serverCall({ caller, service, method, code, durationMs }) {
        serverCalls.inc({ caller: bounded(caller), service, method, code: status[code] });
        serverSeconds.observe({ service, method }, durationMs / 1000);
      },
      retry({ caller, service, method, code }) {
        retries.inc({ caller, service, method, code: status[code] });
      },
      hedge({ caller, service, method, outcome }) {
        hedges.inc({ caller, service, method, outcome });
      },
      shed({ caller, service, method, criticality = "default" }) {
        shed.inc({ caller: bounded(caller), service, method, criticality });
      },
      backendState({ caller = "unknown", service, backend, state, ...load }) {
        const labels = { caller, service, backend };
        if (state === "gone") {
          for (const each of [ready, ejected, ewma, outstanding]) each.remove(labels);
          return;
        }
        ready.set(labels, state === "ready" ? 1 : 0);
        ejected.set(labels, load.ejected === true ? 1 : 0);
        if (load.ewmaMs !== undefined) ewma.set(labels, load.ewmaMs / 1000);
        if (load.outstanding !== undefined) outstanding.set(labels, load.outstanding);
      },
    },
    meter: createMeter(registry),
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close() {
      registry.clear();
    },
  };
}
