import { setTimeout as pause } from "node:timers/promises";

/** Calls made at a steady pace. */
export interface Load {
  /** How many have been answered. */
  answered(): number;
  readonly failures: readonly unknown[];
  /** Makes no further calls, and resolves when all have ended. */
  stop(): Promise<void>;
}

/** Makes so many calls a second, each at its own time whatever became of those before. */
export function startLoad(callsPerSecond: number, call: () => Promise<unknown>): Load {
  const failures: unknown[] = [];
  const open = new Set<Promise<void>>();
  const begunMs = performance.now();
  let [made, answered, stopped] = [0, 0, false];
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
      for (const due = ((performance.now() - begunMs) / 1000) * callsPerSecond; made < due; made++) {
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
