/**
 * Node's HTTP/2 server ends a connection, and every call on it, after 1000 resets at once or more than 33 a second
 * (`streamResetBurst`, `streamResetRate`; CVE-2023-44487). These stay well below.
 */
const BURST = 400;
const A_SECOND = 25;
/** How many calls may wait for their reset on one connection. */
const MOST_WAITING = 512;
/** How many backends are remembered at least. */
const BACKENDS = 256;

/** A call that can be reset. */
export interface Resettable {
  /** Where it is being answered, as host:port; undefined while it is nowhere yet. */
  readonly backend: string | undefined;
  reset(): void;
}

/** Resets calls no faster than their connections bear. */
export interface Cancels {
  /** Resets the call, now or as soon as its connection bears it. Nobody listens to the call any more. */
  cancel(call: Resettable): void;
  /** The call ended by itself: its reset is no longer due. */
  ended(call: Resettable): void;
  /** Whether a backend's connection bears a reset that nobody needs. */
  spare(backend: string): boolean;
  /** Resets all that wait. */
  close(): void;
}

interface Allowance {
  tokens: number;
  filledMs: number;
  readonly waiting: Set<Resettable>;
  timer: NodeJS.Timeout | undefined;
}

/** @param now a clock in milliseconds. */
export function createCancels(now: () => number = () => performance.now()): Cancels {
  const backends = new Map<string, Allowance>();

  const allowanceOf = (backend: string) => {
    let allowance = backends.get(backend);
    if (!allowance) {
      if (backends.size >= BACKENDS) forgetIdle();
      allowance = { tokens: BURST, filledMs: now(), waiting: new Set(), timer: undefined };
      backends.set(backend, allowance);
    }
    const at = now();
    allowance.tokens = Math.min(BURST, allowance.tokens + ((at - allowance.filledMs) / 1000) * A_SECOND);
    allowance.filledMs = at;
    return allowance;
  };
  const forgetIdle = () => {
    for (const [backend, { tokens, waiting }] of backends) {
      if (tokens >= BURST - 1 && waiting.size === 0) backends.delete(backend);
    }
  };
  const resetOldest = ({ waiting }: Allowance) => {
    const [oldest] = waiting;
    if (!oldest) return;
    waiting.delete(oldest);
    oldest.reset();
  };
  const later = (backend: string, allowance: Allowance) => {
    allowance.timer ??= setTimeout(() => {
      allowance.timer = undefined;
      const { waiting } = allowanceOf(backend);
      for (; allowance.tokens >= 1 && waiting.size > 0; allowance.tokens -= 1) resetOldest(allowance);
      if (waiting.size > 0) later(backend, allowance);
    }, 1000 / A_SECOND);
    allowance.timer.unref();
  };

  return {
    cancel(call) {
      const { backend } = call;
      // What no connection knows of costs none anything.
      if (backend === undefined) {
        call.reset();
        return;
      }
      const allowance = allowanceOf(backend);
      if (allowance.tokens >= 1) {
        allowance.tokens -= 1;
        call.reset();
        return;
      }
      allowance.waiting.add(call);
      if (allowance.waiting.size > MOST_WAITING) resetOldest(allowance);
      later(backend, allowance);
    },
    ended(call) {
      if (call.backend !== undefined) backends.get(call.backend)?.waiting.delete(call);
    },
    spare: (backend) => allowanceOf(backend).tokens >= BURST / 2,
    close() {
      for (const allowance of backends.values()) {
        clearTimeout(allowance.timer);
        while (allowance.waiting.size > 0) resetOldest(allowance);
      }
      backends.clear();
    },
  };
}
