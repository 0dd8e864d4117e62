import type { Logger } from "pino";
import type { CallContext } from "./call.js";
import type { Client, RawCaller } from "./client.js";
import type { AccessRule, AccessTable } from "./access.js";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition, Sparse } from "./definition.js";
import type { Environment, ListenAddress } from "./environment.js";
import type { Meter } from "./observe/meter.js";
import type { Keys } from "./secret.js";
import type { Tokens } from "./tokens.js";

/** One method's work: a promise of the answer, or the answers as they come. */
export type Handler<M extends MethodDefinition> = M["responseStream"] extends true
  ? (request: RequestOf<M>, context: CallContext) => AsyncIterable<Sparse<ResponseOf<M>>>
  : (request: RequestOf<M>, context: CallContext) => Promise<Sparse<ResponseOf<M>>>;

/** A service's work: one function an RPC, which throws DomainError for what the caller should know. */
export type Implementation<S extends ServiceDefinition> = {
  readonly [M in keyof S["methods"]]: Handler<S["methods"][M]>;
};

/** A service ready to be served. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  readonly implementation: Readonly<Record<string, unknown>>;
  readonly access: Readonly<Record<string, AccessRule>>;
}

/** What the mesh hands a module that starts. */
export interface Mesh {
  readonly log: Logger;
  readonly keys: Keys;
  readonly tokens: Tokens;
  /** Where the module counts what the mesh cannot know. */
  readonly meter: Meter;
  /** Aborted when the process stops: background work ends with it. The modules of a process share it. */
  readonly signal: AbortSignal;
  /** Says that the module can no longer do its work, which ends the process with the reason. */
  fail(reason: unknown): void;
  /** A client of a service that the module declared in `clients`. */
  client<S extends ServiceDefinition>(service: string, definition: S): Client<S>;
  /** Calls unary methods of such a service with messages as bytes, for the edge, which knows contracts by descriptor. */
  rawCaller(service: string): RawCaller;
}

/** A module at work. */
export interface RunningModule {
  readonly services?: readonly ServedService[];
  /** Where the module listens with a protocol of its own. */
  readonly listening?: ListenAddress;
  /** Rejects while the module's own store does not answer, which makes it NOT_SERVING. Called about once a second. */
  check?(): Promise<void>;
  /** Called after the module's calls have ended. Ends background work and closes stores. */
  stop?(): Promise<void>;
}

/** A part of Reelmesh: a service with its store, the edge, a worker. */
export interface ModuleDefinition<Config> {
  /** Lower-case, such as `catalog`; its variables begin with it: `CATALOG_LISTEN`, `CATALOG_ADDRESS`. */
  readonly name: string;
  /** The default gRPC port. Absent: the module serves no gRPC. */
  readonly port?: number;
  /** The services it calls, by module name. */
  readonly clients: readonly string[];
  /** Reads its settings. Pure; faults are recorded, not thrown. */
  config(environment: Environment): Config;
  start(config: Config, mesh: Mesh): Promise<RunningModule>;
}

/** A module whose settings are its own affair. */
export interface Module {
  readonly name: string;
  readonly port?: number;
  readonly clients: readonly string[];
  /** Reads the settings and returns how to start with them. */
  prepare(environment: Environment): (mesh: Mesh) => Promise<RunningModule>;
}

export function defineModule<Config>(definition: ModuleDefinition<Config>): Module {
  const { name, port, clients } = definition;
  return {
    name,
    ...(port === undefined ? {} : { port }),
    clients,
    prepare(environment) {
      const config = definition.config(environment);
      return (mesh) => definition.start(config, mesh);
    },
  };
}

/** Pairs a contract with the work behind it and with who may call. */
export function serve<S extends ServiceDefinition>(
  definition: S,
  implementation: Implementation<S>,
  access: AccessTable<S>,
): ServedService {
  return { definition, implementation, access };
}
