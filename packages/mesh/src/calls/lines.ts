import { connectivityState, type ChannelInterface } from "@grpc/grpc-js";
import type { MethodTraits } from "../definition.js";
import { createCancels, type Cancels } from "./cancels.js";

/** Connections to all replicas of a service. */
export interface Connections {
  readonly channel: ChannelInterface;
  /** Says what kind a method is, before it is first called. */
  learn(path: string, kind: MethodTraits["kind"]): void;
}

/** Connections with the resets that they bear, and how many calls on them somebody waits for. */
export interface Line extends Connections {
  readonly cancels: Cancels;
  /** A call begins. */
  began(): void;
  /** It is over, or nobody waits for it any more. */
  ended(): void;
}

/** A channel's connections, replaced by new ones before they have borne as many resets as they can. */
export interface Lines {
  /** Those that calls begin on. */
  current(): Line;
  close(): void;
}

/** Whether calls begin there, and whoever watches hears of its connections. */
export interface Standing {
  current: boolean;
}

/** How long new connections may take to come about. */
const PATIENCE_MS = 5_000;
/** How long after the first of them calls go there: the other replicas' come about meanwhile. */
const SETTLE_MS = 100;
/** How many lines that were replaced may wait for their last calls. */
const MOST_REPLACED = 64;

/**
 * A call that was cancelled has to be reset, or it goes on at its server, and a connection bears only so many resets.
 * Where many are cancelled, later calls go on new connections; the old ones close as soon as nobody waits for a call
 * there, and take with them what is still to be reset.
 *
 * @param open makes connections, which have their standing for as long as they last.
 * @param ageMs how old they become before they are replaced; default for good.
 */
export function createLines(open: (standing: Readonly<Standing>) => Connections, ageMs?: number): Lines {
  const replaced = new Set<Line>();
  let successor: Line | undefined;
  let closed = false;
  let age: NodeJS.Timeout | undefined;

  const createLine = (standing: Standing) => {
    let waitedFor = 0;
    const line = {
      ...open(standing),
      standing,
      cancels: createCancels(undefined, () => {
        if (standing.current) replace();
      }),
      began() {
        waitedFor += 1;
      },
      ended() {
        waitedFor -= 1;
        if (waitedFor === 0 && replaced.delete(line)) closeLine(line);
      },
    };
    return line;
  };

  const replace = () => {
    if (closed || successor || replaced.size >= MOST_REPLACED) return;
    const fresh = createLine({ current: false });
    successor = fresh;
    whenConnected(fresh.channel, (connected) => {
      if (closed) return;
      successor = undefined;
      if (!connected) {
        closeLine(fresh);
        return;
      }
      const old = current;
      current = fresh;
      grow();
      old.standing.current = false;
      fresh.standing.current = true;
      replaced.add(old);
      // Closes it if nobody waits for anything there.
      old.began();
      old.ended();
    });
  };

  const grow = () => {
    if (ageMs === undefined) return;
    clearTimeout(age);
    age = setTimeout(() => {
      replace();
      grow();
    }, ageMs).unref();
  };
  let current = createLine({ current: true });
  grow();

  return {
    current: () => current,
    close() {
      closed = true;
      clearTimeout(age);
      for (const line of [current, ...replaced, ...(successor ? [successor] : [])]) closeLine(line);
      replaced.clear();
    },
  };
}

function closeLine({ cancels, channel }: Line): void {
  cancels.close();
  channel.close();
}

/** Connects, and tells once whether it came about in time. */
function whenConnected(channel: ChannelInterface, tell: (connected: boolean) => void): void {
  const deadline = Date.now() + PATIENCE_MS;
  const look = () => {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) {
      setTimeout(tell, SETTLE_MS, true).unref();
    } else if (state === connectivityState.SHUTDOWN) {
      tell(false);
    } else {
      channel.watchConnectivityState(state, deadline, (late) => {
        if (late) tell(false);
        else look();
      });
    }
  };
  look();
}
