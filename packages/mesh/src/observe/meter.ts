import { Counter, Gauge, type Registry } from "prom-client";

/** A number that only grows. */
export interface MeterCounter<Label extends string> {
  inc(labels: Readonly<Record<Label, string>>): void;
}

/** A number that comes and goes. */
export interface MeterGauge<Label extends string> {
  set(labels: Readonly<Record<Label, string>>, value: number): void;
}

/**
 * Metrics of the modules' own, which /metrics shows as `reelmesh_{name}`. A name asked for again is the same metric, so
 * that modules of one process can share it; the first to ask says its help and labels.
 */
export interface Meter {
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): MeterCounter<Label>;
  gauge<Label extends string>(name: string, help: string, labels: readonly Label[]): MeterGauge<Label>;
}

export function createMeter(registry: Registry): Meter {
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const registers = [registry];
  return {
    counter(name, help, labelNames) {
      const known = counters.get(name) ?? new Counter({ name: `reelmesh_${name}`, help, labelNames, registers });
      counters.set(name, known);
      return known;
    },
    gauge(name, help, labelNames) {
      const known = gauges.get(name) ?? new Gauge({ name: `reelmesh_${name}`, help, labelNames, registers });
      gauges.set(name, known);
      return known;
    },
  };
}
