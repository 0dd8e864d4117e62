import { status } from "@grpc/grpc-js";
import { BUCKETS, bucketOf, type BucketCounts } from "./latency-buckets.js";

/** What was counted of one caller's calls to one method. */
export interface CallStats {
  /** `unknown` where nothing proves a caller. */
  readonly caller: string;
  readonly service: string;
  readonly method: string;
  /** Within the window. */
  readonly calls: number;
  /** Calls of these that failed by the service's fault, or for want of it. */
  readonly failed: number;
  readonly retries: number;
  readonly hedges: number;
  readonly shed: number;
  readonly latency: BucketCounts;
  /** Since the process started. */
  readonly totalCalls: number;
  readonly totalFailed: number;
}

/** What can be counted besides calls. */
export type Extra = "retries" | "hedges" | "shed";

/** The latest seconds of calls, by caller and method. */
export interface StatsWindow {
  call(caller: string, service: string, method: string, code: status, durationMs: number): void;
  extra(kind: Extra, caller: string, service: string, method: string): void;
  read(): readonly CallStats[];
}

/** How far back the window reaches. */
export const WINDOW_SECONDS = 10;

/** More callers and methods than a mesh has; whatever comes beyond is counted together. */
const MOST_ENTRIES = 1_000;

const FAILURES: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Whether a call failed by the service's fault: a refusal or a NOT_FOUND is an answer. */
export function isFailure(code: status): boolean {
  return FAILURES.has(code);
}

interface Slot {
  second: number;
  calls: number;
  failed: number;
  retries: number;
  hedges: number;
  shed: number;
  readonly buckets: Uint32Array;
}

interface Entry {
  readonly caller: string;
  readonly service: string;
  readonly method: string;
  totalCalls: number;
  totalFailed: number;
  readonly slots: Slot[];
}

/** @param now milliseconds since any fixed point. */
export function createStatsWindow(now: () => number = () => performance.now()): StatsWindow {
  const entries = new Map<string, Entry>();

  const entryOf = (caller: string, service: string, method: string): Entry => {
    const key = `${caller} ${service} ${method}`;
    const known = entries.get(key);
    if (known) return known;
    if (entries.size >= MOST_ENTRIES && caller !== "other") return entryOf("other", "other", "other");
    const entry: Entry = { caller, service, method, totalCalls: 0, totalFailed: 0, slots: [] };
    entries.set(key, entry);
    return entry;
  };
  const slotOf = ({ slots }: Entry): Slot => {
    const second = Math.floor(now() / 1000);
    const at = second % WINDOW_SECONDS;
    const slot = slots[at];
    if (slot?.second === second) return slot;
    const fresh: Slot = { second, ...ZERO, buckets: slot?.buckets.fill(0) ?? new Uint32Array(BUCKETS) };
    slots[at] = fresh;
    return fresh;
  };

  return {
    call(caller, service, method, code, durationMs) {
      const entry = entryOf(caller, service, method);
      const slot = slotOf(entry);
      const bucket = bucketOf(durationMs);
      slot.calls += 1;
      slot.buckets[bucket] = (slot.buckets[bucket] ?? 0) + 1;
      entry.totalCalls += 1;
      if (!isFailure(code)) return;
      slot.failed += 1;
      entry.totalFailed += 1;
    },
    extra(kind, caller, service, method) {
      slotOf(entryOf(caller, service, method))[kind] += 1;
    },
    read() {
      const oldest = Math.floor(now() / 1000) - WINDOW_SECONDS;
      return [...entries.values()].map((entry) => sum(entry, oldest));
    },
  };
}

const ZERO = { calls: 0, failed: 0, retries: 0, hedges: 0, shed: 0 };

function sum({ caller, service, method, totalCalls, totalFailed, slots }: Entry, oldest: number): CallStats {
  const sums = { ...ZERO };
  const buckets = new Map<number, number>();
  for (const slot of slots.filter(({ second }) => second > oldest)) {
    for (const key of ["calls", "failed", "retries", "hedges", "shed"] as const) sums[key] += slot[key];
    slot.buckets.forEach((count, bucket) => {
      if (count > 0) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
    });
  }
  const latency = [...buckets].sort(([a], [b]) => a - b);
  return { caller, service, method, ...sums, latency, totalCalls, totalFailed };
}
