/** How long a high estimate takes, without answers, to fall to about a third of itself. Finagle's default. */
const DECAY_MS = 10_000;
/**
 * The same where answers are faster. It is shorter, or else a stall of our own process, which makes every backend seem
 * slow, would outlast what is known of one that is.
 */
const SETTLE_MS = 1_000;
/** Below this, latencies differ by chance more than by load. */
const FLOOR_MS = 5;

/**
 * What one backend has to do, and how fast it does it.
 *
 * The estimate is Peak EWMA, as in Finagle's `p2c` balancer and Linkerd: a moving average, weighted by time, that rises
 * to a slower answer at once and falls with time; without any answers it falls slowly, to nothing, so that a backend once slow is
 * tried again. The cost of one more call is the estimate times the calls it would then have to do.
 */
export interface Load {
  /** Counts a call in that is about to begin. It is forgotten by {@link forgetReserved} unless it begins. */
  reserve(): void;
  forgetReserved(): void;
  /** A call begins. Its own latency matters when it is timed. */
  begin(nowMs: number, timed: boolean): OutstandingCall;
  /** A call ends. */
  end(call: OutstandingCall): void;
  /** An answer came after so long. The first does not count: it pays for what happens once in a connection's life. */
  observe(latencyMs: number, nowMs: number): void;
  /** An answer would have taken at least so long: it failed or was no longer waited for. */
  observeAtLeast(latencyMs: number, nowMs: number): void;
  estimateMs(nowMs: number): number;
  outstanding(): number;
  cost(nowMs: number): number;
}

/** A call at work in a backend. */
export interface OutstandingCall {
  readonly beganMs: number;
}

export function createLoad(): Load {
  let answered = false;
  let averageMs = 0;
  let stampMs = 0;
  let reserved = 0;
  let untimed = 0;
  // In the order they began, the oldest first.
  const timed = new Set<OutstandingCall>();

  const weight = (nowMs: number, decayMs: number) => Math.exp(-Math.max(0, nowMs - stampMs) / decayMs);
  const estimateMs = (nowMs: number) => averageMs * weight(nowMs, DECAY_MS);
  const outstanding = () => timed.size + untimed;
  const oldestMs = (nowMs: number) => {
    for (const { beganMs } of timed) return nowMs - beganMs;
    return 0;
  };

  return {
    reserve() {
      reserved += 1;
    },
    forgetReserved() {
      reserved = 0;
    },
    begin(nowMs, isTimed) {
      if (reserved > 0) reserved -= 1;
      const call = { beganMs: nowMs };
      if (isTimed) timed.add(call);
      else untimed += 1;
      return call;
    },
    end(call) {
      if (!timed.delete(call)) untimed -= 1;
    },
    observe(latencyMs, nowMs) {
      if (!answered) {
        answered = true;
        return;
      }
      const kept = weight(nowMs, SETTLE_MS);
      averageMs = Math.max(latencyMs, averageMs * kept + latencyMs * (1 - kept));
      stampMs = nowMs;
    },
    observeAtLeast(latencyMs, nowMs) {
      averageMs = Math.max(latencyMs, estimateMs(nowMs));
      stampMs = nowMs;
    },
    estimateMs,
    outstanding,
    cost: (nowMs) =>
      // A backend that has stopped answering shows by its oldest call, long before any call has failed.
      Math.max(FLOOR_MS, estimateMs(nowMs), oldestMs(nowMs)) * (outstanding() + reserved + 1),
  };
}
