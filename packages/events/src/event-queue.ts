import type { ResourceEvent } from "./bus.js";

/** Events that wait for their turn. One that waits already is not added again: it would say nothing new. */
export interface EventQueue {
  /** Adds an event. Where there is no room, the oldest goes. */
  add(event: ResourceEvent): void;
  /** Begins no more work until `resume`. */
  pause(): void;
  resume(): void;
  /** Forgets what waits. */
  clear(): void;
  /** Resolves when nothing waits and nothing is worked on. */
  idle(): Promise<void>;
}

/**
 * @param limit how many may wait.
 * @param concurrency how many are worked on at a time.
 * @param work called later, never within `add`; must not reject.
 */
export function createEventQueue(options: {
  limit: number;
  concurrency: number;
  work: (event: ResourceEvent) => Promise<unknown>;
  onDrop: (event: ResourceEvent) => void;
}): EventQueue {
  const { limit, concurrency, work, onDrop } = options;
  const waiting = new Map<string, ResourceEvent>();
  const idlers: (() => void)[] = [];
  let working = 0;
  let paused = false;

  const step = () => {
    while (!paused && working < concurrency) {
      const [next] = waiting;
      if (!next) break;
      const [key, event] = next;
      waiting.delete(key);
      working += 1;
      void work(event).finally(() => {
        working -= 1;
        step();
      });
    }
    if (working === 0 && waiting.size === 0) for (const idle of idlers.splice(0)) idle();
  };

  return {
    add(event) {
      const key = `${event.type} ${event.name}`;
      if (waiting.has(key)) return;
      const [oldest] = waiting;
      if (waiting.size >= limit && oldest) {
        waiting.delete(oldest[0]);
        onDrop(oldest[1]);
      }
      waiting.set(key, event);
      queueMicrotask(step);
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      queueMicrotask(step);
    },
    clear() {
      waiting.clear();
      queueMicrotask(step);
    },
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
        queueMicrotask(step);
      }),
  };
}
