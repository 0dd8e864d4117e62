import { Metadata, connectivityState, experimental, type ChannelOptions } from "@grpc/grpc-js";
import type { BackendEvent } from "../observe/events.js";
import type { Balancing } from "./balancing.js";
import type { Candidate } from "./choice.js";
import type { Member } from "./ejection.js";
import { watchHealth } from "./health-watch.js";
import { createLoad, type Load } from "./load.js";

/** One replica: its connection, what it says of its health, its load and its standing. */
export interface Backend extends Candidate {
  readonly load: Load;
  readonly member: Member;
  /** What calls go to; undefined unless it is connected and serving. */
  usable(): experimental.SubchannelInterface | undefined;
  state(): BackendEvent["state"];
  /** Why it cannot be connected to, if so. */
  problem(): string | undefined;
  connect(): void;
  /** A call goes to it; one that tests it takes the place of a probe. */
  picked(nowMs: number): void;
  /** A call, of whatever kind, begins there. */
  began(): void;
  ended(): void;
  /** Tells the observer, at most once a second unless something changed. */
  report(nowMs: number, changed: boolean): void;
  /**
   * Takes no more calls, and closes its connection when those at work there have ended: on one that is closing grpc-js's
   * keepalive cannot send its ping, and takes that for a dead line.
   */
  destroy(): void;
}

const WARM_UP_MS = 10_000;
/** A new backend gets this share of what it would get when warm, from which it grows evenly. */
const COLDEST = 0.1;
/** Away for less than this, it is the same process, and warm. */
const SAME_PROCESS_MS = 500;
/** A connection that takes longer is not waited for. */
const CONNECT_PATIENCE_MS = 3_000;
/** So far apart are the calls that test a backend on probation: one that is still sick fails few. */
const PROBE_MS = 1_000;
const REPORT_MS = 1_000;
const { IDLE, CONNECTING, READY, TRANSIENT_FAILURE } = connectivityState;
const NO_CALL: experimental.PickArgs = { metadata: new Metadata(), extraPickInfo: {} };

/**
 * Connects to a replica and keeps connected.
 *
 * @param settled whether the balancer has had others to choose from for a while, which makes this one a newcomer.
 * @param changed called, maybe within this call, whenever {@link Backend.usable} or {@link Backend.state} changes.
 */
export function createBackend(options: {
  readonly address: string;
  readonly endpoint: experimental.Endpoint;
  readonly helper: experimental.ChannelControlHelper;
  readonly channelOptions: ChannelOptions;
  readonly balancing: Balancing;
  readonly member: Member;
  settled(): boolean;
  changed(): void;
}): Backend {
  const { address, balancing, member, helper } = options;
  const load = createLoad();
  let connection: connectivityState = IDLE;
  let subchannel: experimental.SubchannelInterface | undefined;
  let serving: boolean | undefined;
  let stopWatching: () => void = () => undefined;
  let patience: NodeJS.Timeout | undefined;
  let outOfPatience = false;
  let problem: string | undefined;
  let warmFromMs = -Infinity;
  let lostMs = -Infinity;
  let wasUsable = false;
  let probeMs = -Infinity;
  let reportedMs = -Infinity;
  let destroyed = false;
  let atWork = 0;

  const isUsable = () => connection === READY && serving === true;

  const state = (): BackendEvent["state"] => {
    if (destroyed) return "gone";
    switch (connection) {
      case READY:
        return serving === undefined ? "connecting" : serving ? "ready" : "not serving";
      case CONNECTING:
        return outOfPatience ? "transient failure" : "connecting";
      case TRANSIENT_FAILURE:
        return "transient failure";
      default:
        return "idle";
    }
  };

  const report = (nowMs: number, changed: boolean) => {
    if (!changed && nowMs - reportedMs < REPORT_MS) return;
    reportedMs = nowMs;
    balancing.observer.backendState?.({
      caller: balancing.caller,
      service: balancing.service,
      backend: address,
      state: state(),
      ewmaMs: load.estimateMs(nowMs),
      outstanding: load.outstanding(),
      ejected: member.admission(nowMs) !== "in",
    });
  };

  const update = () => {
    if (destroyed) return;
    const nowMs = performance.now();
    const usable = isUsable();
    if (usable && !wasUsable) {
      warmFromMs = options.settled() && nowMs - lostMs > SAME_PROCESS_MS ? nowMs : -Infinity;
    } else if (!usable && wasUsable) lostMs = nowMs;
    wasUsable = usable;
    member.setUsable(usable);
    report(nowMs, true);
    options.changed();
  };

  const connected = (to: experimental.SubchannelInterface) => {
    if (to === subchannel) return;
    stopWatching();
    subchannel = to;
    serving = undefined;
    problem = undefined;
    member.connected(performance.now());
    stopWatching = watchHealth(to, (answer) => {
      if (answer === serving) return;
      serving = answer;
      update();
    });
  };

  const disconnected = () => {
    stopWatching();
    stopWatching = () => undefined;
    subchannel = undefined;
    serving = undefined;
  };

  const leaf = new experimental.LeafLoadBalancer(
    options.endpoint,
    experimental.createChildChannelControlHelper(helper, {
      updateState(next, picker, error) {
        if (destroyed) return;
        const before = connection;
        connection = next;
        clearTimeout(patience);
        outOfPatience = false;
        if (next === READY) {
          const picked = picker.pick(NO_CALL).subchannel;
          if (picked) connected(picked);
        } else disconnected();
        if (next === CONNECTING) {
          patience = setTimeout(() => {
            outOfPatience = true;
            problem = `no connection within ${CONNECT_PATIENCE_MS} ms`;
            update();
          }, CONNECT_PATIENCE_MS).unref();
        }
        if (next === TRANSIENT_FAILURE) {
          problem = error ?? "no connection";
          member.connectFailed(performance.now());
        }
        update();
        if (before === READY) helper.requestReresolution();
        // Kept connected, whether or not calls go there now.
        if (next === IDLE) leaf.exitIdle();
      },
    }),
    options.channelOptions,
    "",
  );

  return {
    address,
    load,
    member,
    usable: () => (isUsable() ? subchannel : undefined),
    state,
    problem: () => problem,
    connect() {
      leaf.startConnecting();
    },
    admission: (nowMs) => member.admission(nowMs),
    mayProbe: (nowMs) => nowMs - probeMs >= PROBE_MS,
    cost: (nowMs) => load.cost(nowMs),
    warmth: (nowMs) => Math.min(1, Math.max(COLDEST, (nowMs - warmFromMs) / WARM_UP_MS)),
    picked(nowMs) {
      if (member.admission(nowMs) === "probation") probeMs = nowMs;
    },
    report,
    began() {
      atWork += 1;
    },
    ended() {
      atWork -= 1;
      if (destroyed && atWork === 0) leaf.destroy();
    },
    destroy() {
      destroyed = true;
      clearTimeout(patience);
      stopWatching();
      if (atWork === 0) leaf.destroy();
      member.leave();
      report(performance.now(), true);
    },
  };
}
