/**
 * Node's HTTP/2 server ends a connection, and every call on it, after 1000 resets at once or more than 33 a second
 * (`streamResetBurst`, `streamResetRate`; CVE-2023-44487). A channel stays well below, all its connections together:
 * which of them a call is on, grpc-js tells only once it is answered.
 */
const BURST = 800;
const A_SECOND = 25;

/** A call that can be reset. */
export interface Resettable {
  /** Whether nothing but a reset ends it. */
  readonly endless: boolean;
  reset(): void;
}

/** Resets calls no faster than their connections bear. */
export interface Cancels {
  /** Resets the call, now or as soon as its connection bears it. Nobody listens to the call any more. */
  cancel(call: Resettable): void;
  /** The call ended by itself: its reset is no longer due. */
  ended(call: Resettable): void;
  /** Whether the connections bear a reset that nobody needs. */
  spare(): boolean;
  /** Resets all that wait. */
  close(): void;
}

/**
 * @param now a clock in milliseconds.
 * @param worn called with every call to be reset once half of what the connections bear at once is used up.
 */
export function createCancels(
  now: () => number = () => performance.now(),
  worn: () => void = () => undefined,
): Cancels {
  let tokens = BURST;
  let filledMs = now();
  let timer: NodeJS.Timeout | undefined;
  /** Those without a deadline go first. */
  const endless = new Set<Resettable>();
  const waiting = new Set<Resettable>();

  const fill = () => {
    const at = now();
    tokens = Math.min(BURST, tokens + ((at - filledMs) / 1000) * A_SECOND);
    filledMs = at;
  };
  const resetOldest = () => {
    const from = endless.size > 0 ? endless : waiting;
    const [oldest] = from;
    if (!oldest) return false;
    from.delete(oldest);
    oldest.reset();
    return true;
  };
  const later = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      fill();
      while (tokens >= 1 && resetOldest()) tokens -= 1;
      if (endless.size + waiting.size > 0) later();
    }, 1000 / A_SECOND);
    timer.unref();
  };

  return {
    cancel(call) {
      fill();
      if (tokens < BURST / 2) worn();
      if (tokens >= 1) {
        tokens -= 1;
        call.reset();
        return;
      }
      (call.endless ? endless : waiting).add(call);
      later();
    },
    ended(call) {
      waiting.delete(call);
      endless.delete(call);
    },
    spare() {
      fill();
      return tokens >= BURST / 2;
    },
    close() {
      clearTimeout(timer);
      while (resetOldest());
    },
  };
}
