import { setTimeout as pause } from "node:timers/promises";

/** Calls made at a steady pace. */
export interface Load {
  /** How many have been answered. */
  answered(): number;
  readonly failures: readonly unknown[];
  /** Makes no further calls, and resolves when all have ended. */
  stop(): Promise<void>;
}

/** A caller that was held up does not make all at once what it missed, nor goes on when as much is unanswered. */
const BEHIND_SECONDS = 0.05;
const OPEN_SECONDS = 0.2;

/**
 * Makes so many calls a second, each at its own time whatever became of those before, or fewer where the machine has
 * no time for as many.
 */
export function startLoad(callsPerSecond: number, call: () => Promise<unknown>): Load {
  const failures: unknown[] = [];
  const open = new Set<Promise<void>>();
  let dueMs = performance.now();
  let [answered, stopped] = [0, false];
  const make = async () => {
    try {
      await call();
      answered += 1;
    } catch (error) {
      failures.push(error);
    }
  };
  const run = async () => {
    while (!stopped) {
      const nowMs = performance.now();
      dueMs = Math.max(dueMs, nowMs - BEHIND_SECONDS * 1000);
      for (; dueMs < nowMs; dueMs += 1000 / callsPerSecond) {
        if (open.size >= callsPerSecond * OPEN_SECONDS) continue;
        const ended = make().finally(() => open.delete(ended));
        open.add(ended);
      }
      await pause(2);
    }
    await Promise.all(open);
  };
  const running = run();
  return {
    answered: () => answered,
    failures,
    async stop() {
      stopped = true;
      await running;
    },
  };
}
