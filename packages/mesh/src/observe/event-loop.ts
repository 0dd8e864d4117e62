import { monitorEventLoopDelay } from "node:perf_hooks";

/** How late the event loop is. */
export interface EventLoopDelay {
  /** The 99th percentile of the latest ten to twenty seconds, in milliseconds. */
  p99Ms(): number;
  stop(): void;
}

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;

export function watchEventLoop(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let before = 0;
  // Its timer counts as the delay's first part.
  const now = () => (histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS));
  const timer = setInterval(() => {
    before = now();
    histogram.reset();
  }, WINDOW_MS).unref();
  return {
    p99Ms: () => Math.round(Math.max(before, now()) * 10) / 10,
    stop() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
