import type { MethodTraits } from "../definition.js";
import { DomainError } from "../errors.js";
import { SHARE, type Criticality } from "./criticality.js";
import { createLimit, type ConcurrencyLimit } from "./limit.js";
import { EVENT_LOOP, createTurns, type Turns } from "./turns.js";

/** How many streams a server keeps open at a time unless told otherwise. */
export const MOST_STREAMS = 1000;

/** Who asks to be let in. */
export interface Arrival {
  readonly method: string;
  readonly kind: MethodTraits["kind"];
  readonly criticality: Criticality;
}

/** Lets calls in as long as a server can serve them. */
export interface Admission {
  /**
   * Answers what to call when the call has ended: at once when its turn has come, else as soon as it does.
   *
   * @throws DomainError OVERLOADED, or rejects with it, when the call is better refused than late.
   */
  enter(arrival: Arrival): (() => void) | Promise<() => void>;
  /** Calls at work and how many there may be. */
  state(): { readonly inFlight: number; readonly limit: number; readonly streams: number };
}

/**
 * A server's admission: unary calls up to an adaptive limit by the latency they have, and never more than the event
 * loop can start in time; streams up to a bound; long polls, which only wait, always.
 *
 * @param options.turns shared by all servers of a process, which share its event loop.
 */
export function createAdmission(
  module: string,
  options: { turns?: Turns; limit?: ConcurrencyLimit; mostStreams?: number; now?: () => number } = {},
): Admission {
  const {
    turns = createTurns(),
    limit = createLimit(),
    mostStreams = MOST_STREAMS,
    now = () => EVENT_LOOP.now(),
  } = options;
  let inFlight = 0;
  let streams = 0;
  const overloaded = () => new DomainError("OVERLOADED", { service: module });

  const enterUnary = ({ method, criticality }: Arrival): (() => void) | Promise<() => void> => {
    if (inFlight >= Math.max(1, limit.current() * SHARE[criticality])) throw overloaded();
    const atMs = now();
    inFlight += 1;
    const among = inFlight;
    const leave = () => {
      inFlight -= 1;
      limit.sample(method, now() - atMs, among, now());
    };
    let waiting: { resolve: (leave: () => void) => void; reject: (reason: DomainError) => void } | undefined;
    const started = turns.enter(
      criticality,
      () => waiting?.resolve(leave),
      () => {
        inFlight -= 1;
        waiting?.reject(overloaded());
      },
    );
    if (started) return leave;
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
  };

  return {
    enter(arrival) {
      switch (arrival.kind) {
        case "unary":
          return enterUnary(arrival);
        case "stream":
          if (streams >= mostStreams * SHARE[arrival.criticality]) throw overloaded();
          streams += 1;
          return () => {
            streams -= 1;
          };
        case "long poll":
          return () => undefined;
      }
    },
    state: () => ({ inFlight, limit: limit.current(), streams }),
  };
}
