import { status } from "@grpc/grpc-js";

/** What a call's end says of the backend that had it: that it is well, that it is not, or nothing. */
export type Outcome = "well" | "unwell" | "nothing";

/** An answer that takes so many times the usual, */
const SLOW_TIMES = 10;
/** and no less than this, is the backend's own slowness. */
const SLOW_MS = 1_000;

/**
 * Judges a backend by how a call ended. What a service says to a caller's mistake (NOT_FOUND, PERMISSION_DENIED) shows
 * that it is well; a caller's own short deadline or change of mind shows nothing, nor does a refusal to take on more.
 *
 * @param latencyMs how long the call took; undefined for calls that may take as long as they like.
 * @param usualMs how long this method usually takes, over all backends; undefined when not known yet.
 */
export function outcomeOf(code: status, latencyMs: number | undefined, usualMs: number | undefined): Outcome {
  switch (code) {
    case status.UNAVAILABLE:
    case status.INTERNAL:
      return "unwell";
    case status.RESOURCE_EXHAUSTED:
      return "nothing";
    case status.CANCELLED:
    case status.DEADLINE_EXCEEDED:
      // Nobody waited any longer, which says something only after long.
      return isSlow(latencyMs, usualMs) ? "unwell" : "nothing";
    default:
      return isSlow(latencyMs, usualMs) ? "unwell" : "well";
  }
}

/** Whether a call that ended so tells how fast its backend answers, or only that it would have taken longer still. */
export function isAnswer(code: status): boolean {
  switch (code) {
    case status.UNAVAILABLE:
    case status.INTERNAL:
    case status.CANCELLED:
    case status.RESOURCE_EXHAUSTED:
    case status.DEADLINE_EXCEEDED:
      return false;
    default:
      return true;
  }
}

function isSlow(latencyMs: number | undefined, usualMs: number | undefined): boolean {
  return latencyMs !== undefined && usualMs !== undefined && latencyMs >= Math.max(SLOW_MS, SLOW_TIMES * usualMs);
}

/** How long each method usually takes, over all backends: what is slow for one method is normal for another. */
export interface UsualLatencies {
  observe(method: string, latencyMs: number): void;
  of(method: string): number | undefined;
}

/** How much one answer moves what is usual. */
const STEP = 0.1;
const MOST_METHODS = 1_000;

export function createUsualLatencies(): UsualLatencies {
  const usual = new Map<string, number>();
  return {
    observe(method, latencyMs) {
      const before = usual.get(method);
      if (before !== undefined) usual.set(method, before + STEP * (latencyMs - before));
      else if (usual.size < MOST_METHODS) usual.set(method, latencyMs);
    },
    of: (method) => usual.get(method),
  };
}
