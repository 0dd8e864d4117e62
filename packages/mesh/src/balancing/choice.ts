import type { Admission } from "./ejection.js";

/** A backend that can be called, as far as choosing one needs to know it. */
export interface Candidate {
  /** host:port. */
  readonly address: string;
  admission(nowMs: number): Admission;
  /** Whether a backend on probation was not tested a moment ago: tests of one come a second apart. */
  mayProbe(nowMs: number): boolean;
  /** What one more call would cost it. */
  cost(nowMs: number): number;
  /** From near 0, when it is new, to 1. */
  warmth(nowMs: number): number;
}

/**
 * Chooses the backend of a call: of two drawn at random the one with the lower cost, which spreads load almost as well
 * as knowing all costs and, where callers know them late, without sending everybody to the same one (M. Mitzenmacher,
 * "The Power of Two Choices in Randomized Load Balancing", 1996). A new one that wins is taken as often as it is warm.
 *
 * @param avoid the address that failed this call before: not chosen where there is another.
 * @param random uniform in [0, 1).
 * @returns undefined only when there are no candidates.
 */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  nowMs: number,
  avoid?: string,
  random: () => number = Math.random,
): C | undefined {
  const fit: C[] = [];
  for (const candidate of candidates) {
    if (candidate.address === avoid && candidates.length > 1) continue;
    const admission = candidate.admission(nowMs);
    if (admission === "in") fit.push(candidate);
    // A call that failed before tests nobody.
    else if (admission === "probation" && avoid === undefined && candidate.mayProbe(nowMs)) return candidate;
  }
  // When all are ejected, a sick backend is better than none.
  return draw(fit.length > 0 ? fit : candidates, nowMs, random);
}

function draw<C extends Candidate>(fit: readonly C[], nowMs: number, random: () => number): C | undefined {
  const first = Math.floor(random() * fit.length);
  const second = (first + 1 + Math.floor(random() * (fit.length - 1))) % fit.length;
  const [one, other] = [fit[first], fit[second]];
  if (!one || !other || one === other) return one;
  const [better, worse] = one.cost(nowMs) <= other.cost(nowMs) ? [one, other] : [other, one];
  const share = better.warmth(nowMs) / worse.warmth(nowMs);
  return share >= 1 || random() < share ? better : worse;
}
