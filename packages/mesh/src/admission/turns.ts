import { createRunningClock } from "./running-clock.js";
import { CRITICALITIES, type Criticality } from "./criticality.js";

/** How long calls may keep one turn of the event loop busy before those behind wait for the next. */
const SLICE_MS = 2;
/** How long a call may wait in a queue that was empty within the last `BURST_MS`: a burst drains by itself. */
const BURST_MS = 250;
/** How long it may wait in a standing queue. */
const STANDING_MS = 5;

/** What the queue asks of the event loop. */
export interface Loop {
  /** Milliseconds in which the process could work: what it was kept from is no fault of who waits in its queue. */
  now(): number;
  /** Runs something in the loop's next turn, after what has arrived meanwhile was read. */
  nextTurn(run: () => void): void;
  /** Runs something once what was started has gone as far as it can by itself. */
  afterThis(run: () => void): void;
}

/** Node's own event loop. */
export const EVENT_LOOP: Loop = {
  now: createRunningClock(),
  nextTurn: (run) => void setImmediate(run),
  // A tick alone would come before the promises that are settled already.
  afterThis(run) {
    queueMicrotask(() => {
      process.nextTick(run);
    });
  },
};

/** Deals the event loop's time out to calls. */
export interface Turns {
  /**
   * Starts a call, at once while this turn has time left and nobody waits, else later.
   *
   * @param refuse called in place of `start` when it waited for too long.
   * @returns whether it has started.
   */
  enter(criticality: Criticality, start: () => void, refuse: () => void): boolean;
}

interface Waiting {
  readonly sinceMs: number;
  readonly start: () => void;
  readonly refuse: () => void;
}

/**
 * A queue in front of the event loop, for work that keeps it busy queues where nobody sees it: in the sockets. Calls
 * that would take a turn beyond its slice wait here, so that new ones are read and counted between any two.
 *
 * Adaptive LIFO with controlled delay (Maurer, Fail at Scale, ACM Queue 13(8), 2015; Nichols and Jacobson, RFC 8289):
 * while the queue empties itself now and then a call may wait for 250 ms, once it stands for 5 ms only, and the newest
 * of the most important goes first, since it is the one whose caller still waits.
 */
export function createTurns(loop: Loop = EVENT_LOOP): Turns {
  const queues = CRITICALITIES.map((criticality) => ({ criticality, waiting: new Array<Waiting>() }));
  let turnBeganMs: number | undefined;
  let emptiedMs = loop.now();
  let refusedMs = -Infinity;
  let draining = false;

  const length = () => queues.reduce((sum, { waiting }) => sum + waiting.length, 0);
  /** That everybody was refused does not mean that all could be served. */
  const emptied = () => {
    if (loop.now() - refusedMs >= BURST_MS) emptiedMs = loop.now();
  };
  const spent = () => turnBeganMs !== undefined && loop.now() - turnBeganMs >= SLICE_MS;
  const beginTurn = () => {
    if (turnBeganMs !== undefined) return;
    turnBeganMs = loop.now();
    loop.nextTurn(endTurn);
  };
  const endTurn = () => {
    turnBeganMs = undefined;
    if (length() === 0 || draining) return;
    beginTurn();
    draining = true;
    drain();
  };
  const drain = () => {
    dropLate();
    const next = queues.find(({ waiting }) => waiting.length > 0)?.waiting.pop();
    if (length() === 0) emptied();
    if (!next) {
      draining = false;
      return;
    }
    next.start();
    loop.afterThis(() => {
      if (length() > 0 && !spent()) {
        drain();
        return;
      }
      draining = false;
    });
  };
  const dropLate = () => {
    const now = loop.now();
    const standing = now - emptiedMs >= BURST_MS;
    for (const { waiting } of queues) {
      const allowed = now - (standing ? STANDING_MS : BURST_MS);
      const kept = waiting.findIndex(({ sinceMs }) => sinceMs >= allowed);
      for (const { refuse } of waiting.splice(0, kept < 0 ? waiting.length : kept)) {
        refusedMs = now;
        refuse();
      }
    }
  };

  return {
    enter(criticality, start, refuse) {
      if (!draining && length() === 0 && !spent()) {
        emptied();
        beginTurn();
        start();
        return true;
      }
      queues.find((queue) => queue.criticality === criticality)?.waiting.push({ sinceMs: loop.now(), start, refuse });
      beginTurn();
      return false;
    },
  };
}
