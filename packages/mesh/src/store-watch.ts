import type { Logger } from "pino";
import { settlesWithin } from "./patience.js";

const EVERY_MS = 1_000;
const PATIENCE_MS = 3_000;

/** Keeps an eye on a module's own store. */
export interface StoreWatch {
  serving(): boolean;
  stop(): void;
}

/**
 * Asks a module about once a second whether its store answers, and tells of every change. One that says nothing within
 * three seconds does not answer. Resolves after the first answer.
 */
export async function watchStore(options: {
  name: string;
  check: (() => Promise<void>) | undefined;
  log: Logger;
  serving: (serving: boolean) => void;
}): Promise<StoreWatch> {
  const { name, check, log } = options;
  let serving: boolean | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const tell = (now: boolean, error?: unknown) => {
    if (stopped || now === serving) return;
    if (!now) log.error({ service: name, err: error }, "the store does not answer");
    else if (serving === false) log.warn({ service: name }, "the store answers again");
    serving = now;
    options.serving(now);
  };
  const look = async (ask: () => Promise<void>) => {
    try {
      if (!(await settlesWithin(PATIENCE_MS, ask()))) throw new Error(`No answer within ${PATIENCE_MS} ms`);
      tell(true);
    } catch (error) {
      tell(false, error);
    }
    if (!stopped) timer = setTimeout(() => void look(ask), EVERY_MS).unref();
  };

  if (check) await look(check);
  else tell(true);
  return {
    serving: () => serving === true,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
