import type { Logger } from "pino";
import { backgroundScope, type CallScope } from "./call.js";

/** A reconciling loop at work. */
export interface Loop {
  /** Runs it once more as soon as it is idle, as when something is known to have happened. */
  nudge(): void;
  /** Ends it; resolves when the run at work, whose signal is aborted, has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then every `everyMs`, never twice at a time, until it is stopped. A run that fails is logged
 * and tried again at the next turn: what it works towards is state, so nothing is lost but time.
 */
export function startLoop(
  name: string,
  options: { everyMs: number; log: Logger },
  work: (scope: CallScope) => Promise<void>,
): Loop {
  const end = new AbortController();
  let wake: (() => void) | undefined;
  const next = { nudged: false };

  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (next.nudged) wake();
    });

  const ended = () => end.signal.aborted;

  const run = async () => {
    while (!ended()) {
      next.nudged = false;
      try {
        await work(backgroundScope(end.signal));
      } catch (error) {
        if (!ended()) options.log.warn({ err: error, loop: name }, "a background run failed and will be tried again");
      }
      if (!ended()) await pause();
    }
  };
  const running = run();

  const nudge = () => {
    next.nudged = true;
    wake?.();
  };
  return {
    nudge,
    async stop() {
      end.abort();
      nudge();
      await running;
    },
  };
}
