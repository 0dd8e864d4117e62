import { randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createMetrics } from "../observe/metrics.js";
import { WINDOW_SECONDS } from "../observe/call-stats.js";
import { watchEventLoop } from "../observe/event-loop.js";
import { combineObservers, type MeshObserver } from "../observe/events.js";
import type { Meter } from "../observe/meter.js";
import { createWatch } from "../observe/watch.js";
import type { OpsSources } from "../ops.js";
import type { MeshSettings } from "../settings.js";
import { VERSION } from "../version.js";
import { createPeers } from "./peers.js";
import type { CertificateState, ModuleState } from "./state.js";

/** What there is to see of one process, and the observer that it is seen by. */
export interface Observation {
  readonly observer: MeshObserver;
  /** Where modules count what is their own. */
  readonly meter: Meter;
  readonly sources: OpsSources;
  stop(): void;
}

/**
 * Begins to watch this process's calls.
 *
 * @param modules what is known of each module at the moment.
 */
export function observeProcess(
  modules: () => readonly ModuleState[],
  { tls, faults, peers }: Pick<MeshSettings, "tls" | "faults" | "peers">,
): Observation {
  const metrics = createMetrics();
  const watch = createWatch();
  const eventLoop = watchEventLoop();
  const instance = randomUUID();
  const startTime = new Date().toISOString();
  return {
    observer: combineObservers(metrics.observer, watch.observer),
    meter: metrics.meter,
    sources: {
      metrics,
      recent: watch.recent,
      peers: createPeers(peers),
      faults,
      secure: tls !== undefined,
      waitingFor: () =>
        modules()
          .filter(({ ready }) => !ready)
          .map(({ name }) => name),
      state() {
        const shown = tls && readCertificate(tls.certificate);
        return {
          instance,
          version: VERSION,
          node: process.versions.node,
          pid: process.pid,
          time: new Date().toISOString(),
          startTime,
          windowSeconds: WINDOW_SECONDS,
          eventLoopDelayMs: eventLoop.p99Ms(),
          modules: modules(),
          ...(shown ? { certificate: shown } : {}),
          made: watch.made(),
          served: watch.served(),
          backends: watch.backends(),
          ...(faults ? { faults: faults.rules() } : {}),
        };
      },
    },
    stop() {
      eventLoop.stop();
      metrics.close();
    },
  };
}

/** Undefined while the file is unusable, as it may be for a moment when it is replaced. */
function readCertificate(file: string): CertificateState | undefined {
  try {
    const { subject, subjectAltName, validTo } = new X509Certificate(readFileSync(file));
    return { subject: subjectAltName ?? subject, notAfter: new Date(validTo).toISOString() };
  } catch {
    return undefined;
  }
}
