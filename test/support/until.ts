import { setTimeout as pause } from "node:timers/promises";

/** Waits until a condition holds, asking every 20 ms; the test's own time limit is the only other end. */
export async function until<T>(condition: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    await pause(20);
  }
}
