import type { CallStats } from "../observe/call-stats.js";
import type { FaultRule } from "../faults/rules.js";
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
  /** Unlike that of every other process, and of this one before it started again. */
  readonly instance: string;
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
  /** The harm in force; absent where none is allowed. */
  readonly faults?: readonly FaultRule[];
}

/** What an operators' port answered, or why it did not. */
export type Answer =
  { readonly address: string; readonly state: MeshState } | { readonly address: string; readonly problem: string };

/** What one process knows, and what those that it is told of know. */
export interface MeshView {
  readonly state: MeshState;
  readonly peers: readonly Answer[];
}
