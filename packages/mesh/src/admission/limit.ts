/** How a limit adapts. */
export interface LimitOptions {
  /** The limit to begin with. Default 64. */
  readonly initial?: number;
  /** Never lower. Default 8: fewer calls say too little about latency. */
  readonly min?: number;
  /** Never higher. Default 2000. */
  readonly max?: number;
}

/** How many calls a server works on at a time. */
export interface ConcurrencyLimit {
  /** The limit now, a whole number. */
  current(): number;
  /**
   * A call that was let in has been answered.
   *
   * @param inFlight how many calls were at work when it began, itself included.
   */
  sample(method: string, latencyMs: number, inFlight: number, nowMs: number): void;
}

/** A window ends once it is this old and has this many samples. */
const WINDOW_MS = 250;
const WINDOW_SAMPLES = 16;
/** How many times the latency at rest is taken to be a queue. */
const TOLERANCE = 1.5;
/** Of the way to a new limit that one window goes. */
const SMOOTHING = 0.5;
/** How fast a method's latency at rest follows what is measured upwards: a store that has become slower is no queue. */
const CREEP = 0.003;
/** Windows near the limit after which some are spent far below it, to see what latency is without a queue. */
const PROBE_EVERY = 40;
/** The first of them still answers calls of before. */
const PROBE_WINDOWS = 2;
const PROBE_SHARE = 0.25;

/** What is too short to be a queue. */
const SLACK_MS = 1;

interface Measured {
  leastMs: number;
  count: number;
}

/**
 * An adaptive limit by the latency gradient, as Netflix's concurrency-limits has it (Gradient: limit x tolerance x
 * latency at rest / latency, plus the square root of the limit as headroom). Latency is the least of a window, for a
 * queue delays every call and a stall of the process only some (Nichols and Jacobson, RFC 8289). At rest it is the
 * least of all windows, kept by method so that another mix of calls is no change, and measured again now and then with
 * the queue drained (BBR, Cardwell et al., 2016). A limit that is not in use does not move.
 */
export function createLimit(options: LimitOptions = {}): ConcurrencyLimit {
  const { initial = 64, min = 8, max = 2000 } = options;
  const atRest = new Map<string, number>();
  let limit = initial;
  let window = new Map<string, Measured>();
  let samples = 0;
  let peak = 0;
  let beganMs: number | undefined;
  let pressed = 0;
  let probing = 0;

  const closeWindow = () => {
    let expected = 0;
    let measured = 0;
    for (const [method, { leastMs, count }] of window) {
      const before = atRest.get(method) ?? leastMs;
      const rest = leastMs < before ? leastMs : before + (leastMs - before) * CREEP;
      atRest.set(method, rest);
      expected += (rest * TOLERANCE + SLACK_MS) * count;
      measured += leastMs * count;
    }
    const gradient = measured > 0 ? Math.max(0.5, Math.min(1, expected / measured)) : 1;
    const used = peak * 2 >= limit;
    // A window that probes was not filled as the limit allows: it tells of latency alone.
    if (probing === 0 && used) {
      const aim = limit * gradient + Math.sqrt(limit);
      limit = Math.max(min, Math.min(max, limit + (aim - limit) * SMOOTHING));
    }
    if (probing > 0) probing -= 1;
    else pressed = peak >= limit * 0.8 ? pressed + 1 : 0;
    if (pressed < PROBE_EVERY) return;
    pressed = 0;
    probing = PROBE_WINDOWS;
  };

  return {
    current: () => Math.max(1, Math.floor(probing > 0 ? Math.max(min, limit * PROBE_SHARE) : limit)),
    sample(method, latencyMs, inFlight, nowMs) {
      beganMs ??= nowMs;
      const measured = window.get(method) ?? { leastMs: Infinity, count: 0 };
      measured.leastMs = Math.min(measured.leastMs, latencyMs);
      measured.count += 1;
      window.set(method, measured);
      samples += 1;
      peak = Math.max(peak, inFlight);
      if (samples < WINDOW_SAMPLES || nowMs - beganMs < WINDOW_MS) return;
      closeWindow();
      window = new Map();
      samples = 0;
      peak = 0;
      beganMs = nowMs;
    },
  };
}
