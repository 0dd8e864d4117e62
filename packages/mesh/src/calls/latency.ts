/** Each bucket's bound is so much larger than the one before: a quantile is at most 10% too large. */
const GROWTH = 1.1;
const SMALLEST_MS = 0.1;
const BUCKETS = 140;
/** After so many measurements the older ones count half. */
const HALF_LIFE = 500;
/** A quantile of fewer says nothing. */
const FEWEST = 100;
/** How many measurements one look at the buckets serves. */
const REUSE = 16;

/** Tells a quantile of the latencies of late. */
export interface LatencyQuantile {
  record(ms: number): void;
  /** An upper bound of the quantile within 10%; undefined until 100 latencies are known. */
  value(): number | undefined;
}

/** A decaying histogram of exponential buckets, from 0.1 ms to about a minute; what lies beyond counts as the end. */
export function createLatencyQuantile(quantile: number): LatencyQuantile {
  const buckets = new Float64Array(BUCKETS);
  let total = 0;
  let recorded = 0;
  let known: number | undefined;

  const decay = () => {
    for (let index = 0; index < BUCKETS; index += 1) buckets[index] = (buckets[index] ?? 0) / 2;
    total /= 2;
  };
  const find = () => {
    let below = 0;
    for (let index = 0; index < BUCKETS; index += 1) {
      below += buckets[index] ?? 0;
      if (below >= total * quantile) return SMALLEST_MS * GROWTH ** index;
    }
    return SMALLEST_MS * GROWTH ** (BUCKETS - 1);
  };

  return {
    record(ms) {
      const place = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH));
      const index = Math.min(BUCKETS - 1, place);
      buckets[index] = (buckets[index] ?? 0) + 1;
      total += 1;
      recorded += 1;
      if (recorded % HALF_LIFE === 0) decay();
      if (recorded >= FEWEST && (known === undefined || recorded % REUSE === 0)) known = find();
    },
    value: () => known,
  };
}
