import type { Logger } from "pino";

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
  let serving = true;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const tell = (now: boolean, error?: unknown) => {
    if (stopped || now === serving) return;
    serving = now;
    options.serving(now);
    if (now) log.warn({ service: name }, "the store answers again");
    else log.error({ service: name, err: error }, "the store does not answer");
  };
  const look = async (ask: () => Promise<void>) => {
    try {
      await withPatience(ask());
      tell(true);
    } catch (error) {
      tell(false, error);
    }
    if (!stopped) timer = setTimeout(() => void look(ask), EVERY_MS).unref();
  };

  options.serving(true);
  if (check) await look(check);
  return {
    serving: () => serving,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function withPatience(answer: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`No answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
  try {
    await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
