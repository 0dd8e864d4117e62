import type { Invocation } from "../command.js";

/** Tells how far work is: one line that changes where a person watches, nothing elsewhere. */
export interface Progress {
  /** The line as it is now. */
  show(line: string): void;
  /** Takes it away. */
  clear(): void;
}

const EVERY_MS = 100;

export function createProgress({ terminal }: Pick<Invocation, "terminal">, wanted = true): Progress {
  if (!terminal || !wanted) return { show: () => undefined, clear: () => undefined };
  let last = 0;
  return {
    show(line) {
      if (performance.now() - last < EVERY_MS) return;
      last = performance.now();
      process.stdout.write(`\r\u001b[K${line}`);
    },
    clear() {
      process.stdout.write("\r\u001b[K");
    },
  };
}
