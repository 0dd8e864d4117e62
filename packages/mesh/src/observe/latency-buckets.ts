/** Durations counted in buckets, each 15% wider than the one before: every quantile is known to 15%. */
export type BucketCounts = readonly (readonly [bucket: number, count: number])[];

const SMALLEST_MS = 0.05;
const GROWTH = 1.15;
const LOG_GROWTH = Math.log(GROWTH);
/** As many as reach beyond two minutes. */
export const BUCKETS = 108;

/** The bucket that a duration falls into. */
export function bucketOf(ms: number): number {
  if (!(ms > SMALLEST_MS)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / SMALLEST_MS) / LOG_GROWTH));
}

/** The longest duration of a bucket, in milliseconds. */
export function upperBoundMs(bucket: number): number {
  return SMALLEST_MS * GROWTH ** bucket;
}

/** The duration that a share `q` of all stays within, in milliseconds; undefined when nothing was counted. */
export function quantileMs(counts: BucketCounts, q: number): number | undefined {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  let left = Math.max(1, Math.ceil(total * q));
  for (const [bucket, count] of [...counts].sort(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return upperBoundMs(bucket);
  }
  return undefined;
}

/** Both counts as one, such as those of two replicas. */
export function addBuckets(a: BucketCounts, b: BucketCounts): BucketCounts {
  const sum = new Map(a);
  for (const [bucket, count] of b) sum.set(bucket, (sum.get(bucket) ?? 0) + count);
  return [...sum].sort(([x], [y]) => x - y);
}
