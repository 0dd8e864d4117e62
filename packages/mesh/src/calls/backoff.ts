/** The longest wait before the first retry, in milliseconds; it doubles with each that follows. */
const BASE_MS = 50;
/** No wait is longer. */
const CAP_MS = 1_000;

/**
 * How long to wait before a retry: exponential backoff with full jitter, random in [0, min(cap, base x 2^retries))
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015; AIP-194).
 *
 * @param retries how many there were already.
 */
export function backoffMs(retries: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(retries, 30));
}
