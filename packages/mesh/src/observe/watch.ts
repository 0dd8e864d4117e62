import type { BackendEvent, MeshObserver } from "./events.js";
import { createStatsWindow, type CallStats } from "./call-stats.js";
import { createRecentCalls, type RecentCalls } from "./recent-calls.js";

/** What the operators' pages know of the calls of this process. */
export interface Watch {
  readonly observer: MeshObserver;
  readonly recent: RecentCalls;
  /** Calls as their callers here saw them. */
  made(): readonly CallStats[];
  /** Calls as the services here saw them. */
  served(): readonly CallStats[];
  backends(): readonly BackendEvent[];
}

export function createWatch(): Watch {
  const made = createStatsWindow();
  const served = createStatsWindow();
  const recent = createRecentCalls();
  const backends = new Map<string, BackendEvent>();
  return {
    observer: {
      clientCall({ caller, service, method, code, durationMs }) {
        made.call(caller, service, method, code, durationMs);
      },
      serverCall(event) {
        const { caller = "unknown", service, method, code, durationMs } = event;
        served.call(caller, service, method, code, durationMs);
        recent.add(event);
      },
      retry({ caller, service, method }) {
        made.extra("retries", caller, service, method);
      },
      hedge({ caller, service, method, outcome }) {
        if (outcome === "sent") made.extra("hedges", caller, service, method);
      },
      shed({ caller = "unknown", service, method }) {
        served.extra("shed", caller, service, method);
      },
      backendState(event) {
        const key = `${event.caller ?? ""} ${event.service} ${event.backend}`;
        if (event.state === "gone") backends.delete(key);
        else backends.set(key, event);
      },
    },
    recent,
    made: () => made.read(),
    served: () => served.read(),
    backends: () => [...backends.values()],
  };
}
