import type { status } from "@grpc/grpc-js";

/** A call as its caller saw it, retries and hedges included: one event a call. */
export interface ClientCallEvent {
  /** The module that called. */
  readonly caller: string;
  /** The service called, by module name. */
  readonly service: string;
  /** `package.Service/Method`. */
  readonly method: string;
  /** Where the attempt that counted was answered, as host:port; absent when none was. */
  readonly backend?: string | undefined;
  readonly code: status;
  /** Milliseconds from the call to its answer or failure; a stream's whole life. */
  readonly durationMs: number;
  /** Which attempt decided the call, from 1. */
  readonly attempt: number;
}

/** A call as its server saw it: one event a call, refused ones included. */
export interface ServerCallEvent {
  /** The module that served. */
  readonly service: string;
  /** `package.Service/Method`. */
  readonly method: string;
  /** The service that called, proven by its token or certificate; absent when nothing proves one. */
  readonly caller?: string | undefined;
  readonly code: status;
  readonly durationMs: number;
  readonly reason?: string | undefined;
  readonly requestId?: string | undefined;
  readonly principal?: string | undefined;
  readonly peer?: string | undefined;
  readonly traceId?: string | undefined;
}

/** A further attempt was made. */
export interface RetryEvent {
  readonly caller: string;
  readonly service: string;
  readonly method: string;
  /** The attempt that begins, from 2. */
  readonly attempt: number;
  /** Why the one before did not do. */
  readonly code: status;
}

/** A second attempt was sent while the first was still awaited, or was answered before it. */
export interface HedgeEvent {
  readonly caller: string;
  readonly service: string;
  readonly method: string;
  readonly outcome: "sent" | "won" | "lost";
}

/** A server refused a call because it had too much to do. */
export interface ShedEvent {
  readonly service: string;
  readonly method: string;
  readonly caller?: string | undefined;
  /** How much the call mattered, such as `critical` or `background`. */
  readonly criticality?: string | undefined;
}

/** What a balancer knows of one backend; told whenever it changes and about once a second besides. */
export interface BackendEvent {
  /** The module whose balancer it is. */
  readonly caller?: string | undefined;
  readonly service: string;
  /** host:port. */
  readonly backend: string;
  /** `gone`: the balancer no longer knows it. */
  readonly state: "idle" | "connecting" | "ready" | "transient failure" | "not serving" | "gone";
  /** Peak-EWMA of the latency, in milliseconds. */
  readonly ewmaMs?: number | undefined;
  readonly outstanding?: number | undefined;
  readonly ejected?: boolean | undefined;
}

/**
 * Hears what happens to calls, synchronously and on the hot path: an implementation counts and returns. It must not
 * throw.
 */
export interface MeshObserver {
  clientCall?(event: ClientCallEvent): void;
  serverCall?(event: ServerCallEvent): void;
  retry?(event: RetryEvent): void;
  hedge?(event: HedgeEvent): void;
  shed?(event: ShedEvent): void;
  backendState?(event: BackendEvent): void;
}

/** Hears nothing. */
export const SILENT: MeshObserver = {};

/** One observer that passes everything on to several. */
export function combineObservers(...observers: readonly MeshObserver[]): MeshObserver {
  return {
    clientCall(event) {
      for (const observer of observers) observer.clientCall?.(event);
    },
    serverCall(event) {
      for (const observer of observers) observer.serverCall?.(event);
    },
    retry(event) {
      for (const observer of observers) observer.retry?.(event);
    },
    hedge(event) {
      for (const observer of observers) observer.hedge?.(event);
    },
    shed(event) {
      for (const observer of observers) observer.shed?.(event);
    },
    backendState(event) {
      for (const observer of observers) observer.backendState?.(event);
    },
  };
}
