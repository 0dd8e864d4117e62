import { createOutcomeWindow, type OutcomeWindow } from "./outcome-window.js";

/** `probation`: a call now and then, until enough of them went well. */
export type Admission = "in" | "probation" | "ejected";

/** One backend's standing among those of its service. All times are milliseconds of one clock that never goes back. */
export interface Member {
  /** Says whether it is connected and serving; it begins as not. */
  setUsable(usable: boolean): void;
  admission(nowMs: number): Admission;
  /** A call that began at `beganMs` ended well or not. */
  record(well: boolean, beganMs: number, nowMs: number): void;
  connectFailed(nowMs: number): void;
  /** A connection came about, maybe to a new process: what was ejected for want of one is on probation at once. */
  connected(nowMs: number): void;
  leave(): void;
}

/** The backends of one service. */
export interface EjectionGroup {
  join(): Member;
}

/** So many failures in a row, */
const CONSECUTIVE = 5;
/** or of so many calls within the window a share that is so much above the others' share, eject. */
const ENOUGH_CALLS = 20;
const SHARE_ABOVE = 0.3;
/** When the others fail like this the fault is elsewhere, and ejecting one only burdens the rest. */
const ALL_ALIKE = 0.5;
const SHORTEST_MS = 2_000;
const LONGEST_MS = 60_000;
/** Calls that must go well on probation. */
const PROBATION_CALLS = 3;

interface State {
  usable: boolean;
  readonly window: OutcomeWindow;
  consecutive: number;
  /** When an ejection ends; undefined: it is in. */
  untilMs: number | undefined;
  cause: "calls" | "connection";
  /** Ejections in a row: each lasts twice as long as the one before. */
  ejections: number;
  /** When it was last let in again. */
  admittedMs: number;
  wentWell: number;
}

/**
 * Keeps sick backends out, right for as few as two: one is judged against the others, at most half of them (rounded up)
 * are out at a time, and never the last usable one.
 */
export function createEjectionGroup(): EjectionGroup {
  const members = new Set<State>();

  const mayEject = (state: State) => {
    let out = 0;
    let usableOthers = 0;
    for (const member of members) {
      if (member === state) continue;
      if (member.untilMs !== undefined) out += 1;
      else if (member.usable) usableOthers += 1;
    }
    return usableOthers > 0 && out < Math.ceil(members.size / 2);
  };

  /** How the others that are called go. */
  const othersShare = (state: State, nowMs: number) => {
    let failed = 0;
    let calls = 0;
    for (const member of members) {
      if (member === state || member.untilMs !== undefined || !member.usable) continue;
      failed += member.window.failed(nowMs);
      calls += member.window.calls(nowMs);
    }
    return calls === 0 ? 0 : failed / calls;
  };

  const isWorse = (state: State, nowMs: number) => {
    const others = othersShare(state, nowMs);
    if (state.consecutive >= CONSECUTIVE && others < ALL_ALIKE) return true;
    const calls = state.window.calls(nowMs);
    return calls >= ENOUGH_CALLS && state.window.failed(nowMs) / calls >= others + SHARE_ABOVE;
  };

  const eject = (state: State, cause: State["cause"], nowMs: number) => {
    state.ejections = nowMs - state.admittedMs > LONGEST_MS ? 1 : state.ejections + 1;
    state.untilMs = nowMs + Math.min(LONGEST_MS, SHORTEST_MS * 2 ** (state.ejections - 1));
    state.cause = cause;
    state.wentWell = 0;
  };

  const fail = (state: State, cause: State["cause"], nowMs: number) => {
    if (state.untilMs !== undefined) {
      // On probation; while it is ejected nothing further is held against it.
      if (nowMs >= state.untilMs) {
        state.admittedMs = nowMs;
        eject(state, cause, nowMs);
      }
      return;
    }
    state.consecutive += 1;
    state.window.record(false, nowMs);
    if (isWorse(state, nowMs) && mayEject(state)) eject(state, cause, nowMs);
  };

  const succeed = (state: State, nowMs: number) => {
    if (state.untilMs === undefined) {
      state.consecutive = 0;
      state.window.record(true, nowMs);
      return;
    }
    state.wentWell += 1;
    if (state.wentWell < PROBATION_CALLS) return;
    state.untilMs = undefined;
    state.admittedMs = nowMs;
    state.consecutive = 0;
    state.window.clear();
  };

  return {
    join() {
      const state: State = {
        usable: false,
        window: createOutcomeWindow(),
        consecutive: 0,
        untilMs: undefined,
        cause: "calls",
        ejections: 0,
        admittedMs: -Infinity,
        wentWell: 0,
      };
      members.add(state);
      return {
        setUsable(usable) {
          state.usable = usable;
        },
        admission: (nowMs) => (state.untilMs === undefined ? "in" : nowMs < state.untilMs ? "ejected" : "probation"),
        record(well, beganMs, nowMs) {
          // What began before the ejection ended says nothing of how it is now.
          if (state.untilMs !== undefined && beganMs < state.untilMs) return;
          if (well) succeed(state, nowMs);
          else fail(state, "calls", nowMs);
        },
        connectFailed(nowMs) {
          fail(state, "connection", nowMs);
        },
        connected(nowMs) {
          if (state.untilMs !== undefined && state.cause === "connection")
            state.untilMs = Math.min(state.untilMs, nowMs);
        },
        leave() {
          members.delete(state);
        },
      };
    },
  };
}
