import type { Lookup } from "./lookup.js";

/** What is known of one name's IP addresses, asked again and again. */
export interface NameWatch {
  /** The last good answer, sorted; undefined before the first. */
  known(): readonly string[] | undefined;
  /** Asks now, or as soon as a second has passed since the last time. */
  refresh(): void;
  close(): void;
}

/** How names are asked for. */
export interface NameWatchOptions {
  readonly lookup: Lookup;
  /** Milliseconds from an answer to the next question, on average. */
  readonly pollMs: number;
  /** Milliseconds from one question to the next at the very least. */
  readonly leastMs: number;
}

/** So that the processes of a mesh do not ask all at once: each pause is up to a fifth longer or shorter. */
const JITTER = 0.2;

/**
 * Watches a name. An answer holds until a better one comes: a failure, or an answer without addresses, changes nothing.
 *
 * @param answered called after every answer; with the failure when there was one.
 */
export function watchName(
  name: string,
  { lookup, pollMs, leastMs }: NameWatchOptions,
  answered: (failure?: unknown) => void,
): NameWatch {
  let known: readonly string[] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let asking = false;
  let askedMs = -Infinity;
  let closed = false;

  const ask = async () => {
    asking = true;
    askedMs = performance.now();
    let failure: unknown;
    try {
      const found = await lookup(name);
      if (found.length === 0) throw new Error(`${name} has no addresses`);
      known = [...new Set(found)].sort();
    } catch (error) {
      failure = error;
    }
    asking = false;
    if (closed) return;
    plan(pollMs * (1 - JITTER + 2 * JITTER * Math.random()));
    answered(failure);
  };
  const plan = (pauseMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), pauseMs).unref();
  };

  plan(0);
  return {
    known: () => known,
    refresh() {
      if (!asking && !closed) plan(Math.max(0, askedMs + leastMs - performance.now()));
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
