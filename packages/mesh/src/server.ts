import { setTimeout as pause } from "node:timers/promises";
import { Server, type ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { Logger } from "pino";
import { createAdmission } from "./admission/admission.js";
import { createTurns, type Turns } from "./admission/turns.js";
import { createActiveCalls } from "./active-calls.js";
import { DomainError } from "./errors.js";
import type { ListenAddress } from "./environment.js";
import { grpcHandler, grpcMethod } from "./handler.js";
import { PLAINTEXT, type Identities } from "./identity/credentials.js";
import { createPeerNames } from "./identity/peer.js";
import type { ServedService } from "./module.js";
import { addChannelz } from "./observe/channelz.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { settlesWithin } from "./patience.js";
import { addReflection } from "./reflection.js";
import type { CallEnvironment } from "./running-call.js";
import type { MeshSettings } from "./settings.js";
import type { Tokens } from "./tokens.js";

/** The largest message a server takes: a block of 4 MiB and what is said about it. */
const LARGEST_MESSAGE = 4 * 1024 * 1024 + 64 * 1024;

/** How long the last answers may take to leave. Then who watches health, or does not read its stream, is cut off. */
const FLUSH_MS = 500;

/**
 * A caller whose host or line is gone closes nothing: its streams and long polls would stay at work, and count, for ever.
 */
const KEEPALIVE = { "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 5_000 };

/** A gRPC server at work. */
export interface MeshServer {
  readonly address: ListenAddress;
  /** What grpc.health.v1 says, of the server as a whole and of each service. */
  setServing(serving: boolean): void;
  /**
   * Says NOT_SERVING, and after the notice lets the calls at work end for `graceMs`. Connections are closed when they
   * have: on one that is closing, grpc-js's keepalive cannot send its ping, and takes that for a dead line. Whoever does
   * not watch health is served until then. What is left is ended as UNAVAILABLE.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Serves a module's services, with health and reflection, on one port.
 *
 * @throws Error when the address cannot be bound.
 */
export async function startServer(options: {
  module: string;
  listen: ListenAddress;
  services: readonly ServedService[];
  log: Logger;
  tokens: Tokens;
  settings?: Partial<MeshSettings>;
  identities?: Identities;
  turns?: Turns;
  observer?: MeshObserver;
}): Promise<MeshServer> {
  const { module, log, tokens, settings = {}, observer = SILENT } = options;
  const { identities = PLAINTEXT, turns = createTurns() } = options;
  const { mostStreams, drainNoticeMs = 0, tlsConnectionAgeMs } = settings;
  const server = new Server({
    "grpc.max_receive_message_length": LARGEST_MESSAGE,
    ...KEEPALIVE,
    ...(identities.secure && tlsConnectionAgeMs !== undefined
      ? { "grpc.max_connection_age_ms": tlsConnectionAgeMs }
      : {}),
  });
  const environment: CallEnvironment = {
    module,
    tokens,
    calls: createActiveCalls(),
    admission: createAdmission(module, { turns, ...(mostStreams === undefined ? {} : { mostStreams }) }),
    peerNames: identities.secure ? createPeerNames() : undefined,
    faults: settings.faults,
    observer,
  };
  for (const service of options.services) addService(server, environment, service, log);
  const names = options.services.map(({ definition }) => definition.fullName);
  const health = new HealthImplementation();
  health.addToServer(server);
  addReflection(server, names);
  addChannelz(server, tokens);
  const setServing = (serving: boolean) => {
    for (const name of ["", ...names]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  const port = await bind(server, options.listen, identities.server());
  return {
    address: { host: options.listen.host, port },
    setServing,
    async drain(graceMs) {
      setServing(false);
      if (drainNoticeMs > 0) await pause(drainNoticeMs);
      await drain(server, environment, graceMs);
    },
  };
}

function addService(
  server: Server,
  environment: CallEnvironment,
  { definition, implementation, access }: ServedService,
  log: Logger,
) {
  const methods = Object.entries(definition.methods);
  server.addService(
    Object.fromEntries(methods.map(([key, method]) => [key, grpcMethod(definition, method)])),
    Object.fromEntries(
      methods.map(([key, method]) => [
        key,
        grpcHandler(environment, definition, method, implementation[key], { rule: access[key], log }),
      ]),
    ),
  );
}

function bind(server: Server, { host, port }: ListenAddress, credentials: ServerCredentials): Promise<number> {
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, bound) => {
      if (error) reject(new Error(`Cannot listen on ${target}`, { cause: error }));
      else resolve(bound);
    });
  });
}

async function drain(server: Server, { calls, module }: CallEnvironment, graceMs: number): Promise<void> {
  const untilMs = performance.now() + graceMs;
  await settlesWithin(graceMs, calls.ended());
  const closed = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
  await settlesWithin(Math.max(0, untilMs - performance.now()), calls.ended());
  calls.abort(new DomainError("SERVICE_UNAVAILABLE", { service: module }));
  await settlesWithin(FLUSH_MS, closed);
  server.forceShutdown();
}
