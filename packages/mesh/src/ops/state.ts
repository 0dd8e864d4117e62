import type { CallStats } from "../observe/call-stats.js";
import type { BackendEvent } from "../observe/events.js";

/** A module as operators see it. */
export interface ModuleState {
  readonly name: string;
  /** Whether its own store answers. */
  readonly ready: boolean;
  /** Where it listens, as host:port; absent where it does not, or not yet. */
  readonly address?: string;
  /** The services that it declared it calls. */
  readonly clients: readonly string[];
}

/** A certificate that the process shows. */
export interface CertificateState {
  readonly subject: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

/** What one process knows of the mesh: what /mesh/state answers. */
export interface MeshState {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly time: string;
  readonly startTime: string;
  /** How many seconds of calls the counts are of, except the totals. */
  readonly windowSeconds: number;
  readonly eventLoopDelayMs: number;
  readonly modules: readonly ModuleState[];
  readonly certificate?: CertificateState;
  /** Calls as their callers in this process saw them. */
  readonly made: readonly CallStats[];
  /** Calls as the services in this process saw them. */
  readonly served: readonly CallStats[];
  readonly backends: readonly BackendEvent[];
}
