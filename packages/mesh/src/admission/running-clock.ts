import { performance } from "node:perf_hooks";

/** Times of this process, in milliseconds, each from some moment on. */
export interface ProcessTimes {
  wall(): number;
  /** Processor time of all its threads, the operating system's on its behalf included. */
  processor(): number;
  /** How long its event loop has had nothing to do. */
  idle(): number;
}

const THIS_PROCESS: ProcessTimes = {
  wall: () => performance.now(),
  processor() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  idle: () => performance.eventLoopUtilization().idle,
};

/** To look at the processor's time costs a tenth of a millisecond, which is spent no more often than this. */
const LOOK_MS = 10;

/**
 * A clock that stands still while the process has work and is not let do it: on a machine that others keep busy, above
 * its quota, stopped. It never runs faster than time does.
 */
export function createRunningClock(times: ProcessTimes = THIS_PROCESS): () => number {
  let wallMs = times.wall();
  let ranMs = times.processor() + times.idle();
  let baseMs = 0;
  let toldMs = 0;
  return () => {
    const wall = times.wall();
    let aheadMs = wall - wallMs;
    if (aheadMs >= LOOK_MS) {
      const ran = times.processor() + times.idle();
      baseMs += Math.min(aheadMs, ran - ranMs);
      [wallMs, ranMs, aheadMs] = [wall, ran, 0];
    }
    return (toldMs = Math.max(toldMs, baseMs + aheadMs));
  };
}
