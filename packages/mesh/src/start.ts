import type { DestinationStream, Logger } from "pino";
import { createTurns, type Turns } from "./admission/turns.js";
import { DEADLINE_MS, openChannel, type Channel } from "./channel.js";
import { createClient, createRawCaller } from "./client.js";
import { Environment } from "./environment.js";
import { openIdentities, PLAINTEXT, type Identities } from "./identity/credentials.js";
import { createLog, logGrpc, readLogLevel } from "./log.js";
import type { Mesh, Module } from "./module.js";
import type { MeshObserver } from "./observe/events.js";
import type { Meter } from "./observe/meter.js";
import { startTraceExport } from "./observe/trace-export.js";
import { startOpsServer } from "./ops.js";
import { observeProcess } from "./ops/sources.js";
import type { ModuleState } from "./ops/state.js";
import { settlesWithin } from "./patience.js";
import { checkPlaintext, dialable, planModules, readOpsListen, type Plan } from "./plan.js";
import { createKeys, readSecrets, type Keys } from "./secret.js";
import { startServer } from "./server.js";
import { readMeshSettings, type MeshSettings } from "./settings.js";
import { watchStore, type StoreWatch } from "./store-watch.js";
import { createTokens, type Tokens } from "./tokens.js";

/** Modules at work in this process. */
export interface RunningMesh {
  /** Where a module listens, as host:port. */
  addressOf(module: string): string;
  /** Where /livez and /readyz are, as host:port. */
  readonly opsAddress: string;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly log: Logger;
  /** Resolves with the reason when a module can no longer do its work. */
  readonly failed: Promise<unknown>;
  /** Ends everything in the reverse of the order it started in. */
  stop(): Promise<void>;
}

/** What ends a part of what was started. */
interface End {
  readonly module: string;
  readonly run: () => Promise<void> | void;
}

/** What modules share while they start and stop. */
interface Process {
  readonly log: Logger;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly settings: MeshSettings;
  readonly identities: Identities;
  readonly turns: Turns;
  readonly signal: AbortSignal;
  readonly observer: MeshObserver;
  readonly meter: Meter;
  fail(reason: unknown): void;
  /** Where the modules that serve gRPC are. */
  readonly addresses: Map<string, string>;
  /** The modules that have started. */
  readonly watches: Map<string, StoreWatch>;
  /** In the order of what they end. */
  readonly ends: End[];
}

/** How long a part may take to end, besides the time its calls have. */
const STOP_MS = 10_000;

/**
 * Starts modules in one process, each after those it calls.
 *
 * @param variables the environment; MeshSettings tells what the mesh itself reads of it.
 * @param logTo where log lines go; default stdout.
 * @throws ConfigError with every fault of every module at once; Error when a module cannot start, after those that had
 *   started were stopped again.
 */
export async function startModules(
  modules: readonly Module[],
  variables: Readonly<Record<string, string | undefined>>,
  logTo?: DestinationStream,
): Promise<RunningMesh> {
  const environment = new Environment(variables, { alone: modules.length === 1 });
  const log = createLog(readLogLevel(environment), logTo);
  logGrpc(log);
  const plans = planModules(modules, environment);
  const opsListen = readOpsListen(environment);
  const settings = readMeshSettings(environment);
  checkPlaintext(plans, settings, environment);
  const secrets = readSecrets(environment);
  environment.assertUsable();

  const keys = createKeys(secrets);
  const tokens = createTokens(keys);
  const stopping = new AbortController();
  let fail: (reason: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  const addresses = new Map<string, string>();
  const watches = new Map<string, StoreWatch>();
  const ends: End[] = [];
  const stateOf = ({ module: { name, clients } }: Plan): ModuleState => {
    const address = addresses.get(name);
    return {
      name,
      clients,
      ready: watches.get(name)?.serving() === true,
      ...(address === undefined ? {} : { address }),
    };
  };
  const observation = observeProcess(() => plans.map(stateOf), settings);
  const { observer, meter } = observation;
  const signal = stopping.signal;
  const identities = settings.tls ? openIdentities(settings.tls, log, settings.tlsRefreshMs) : PLAINTEXT;
  const turns = createTurns();
  const shared: Process = {
    ...{ log, keys, tokens, settings, identities, turns, signal, observer, meter },
    ...{ fail, addresses, watches, ends },
  };
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopping.abort();
    return (stopped ??= runEnds(shared).finally(() => {
      identities.stop();
    }));
  };

  try {
    ends.push({
      module: "ops",
      run: () => {
        observation.stop();
      },
    });
    if (settings.traceExport) ends.push({ module: "ops", run: await startTraceExport(settings.traceExport, log) });
    const ops = await startOpsServer(opsListen, observation.sources, settings.opsHosts);
    ends.push({ module: "ops", run: () => ops.close() });
    for (const plan of plans) await startModule(plan, shared);
    return {
      addressOf(module) {
        const address = addresses.get(module);
        if (address === undefined) throw new Error(`${module} listens nowhere here`);
        return address;
      },
      opsAddress: dialable(ops.address),
      keys,
      tokens,
      log,
      failed,
      stop,
    };
  } catch (error) {
    log.error({ err: error }, "cannot start: what had started stops");
    await stop();
    throw error;
  }
}

async function startModule({ module, start, listen, elsewhere }: Plan, shared: Process): Promise<void> {
  const { name } = module;
  const { log, tokens, settings, identities, turns, observer, addresses, watches, ends } = shared;
  const channels = new Map<string, Channel>();
  const end = (run: End["run"]) => ends.push({ module: name, run });
  try {
    for (const service of module.clients) {
      const address = addresses.get(service) ?? elsewhere.get(service);
      if (address === undefined) throw new Error(`it calls ${service}, which serves no gRPC`);
      const channel = openChannel(service, address, name, tokens, DEADLINE_MS, observer, {
        credentials: identities.channel(service),
        patienceMs: settings.patienceMs,
        // Certificates name services, wherever they are.
        grpc: identities.secure ? { "grpc.ssl_target_name_override": service } : {},
        // Calls are on newer connections before a server closes the old ones of age.
        connectionAgeMs: identities.secure ? settings.tlsConnectionAgeMs / 2 : undefined,
      });
      channels.set(service, channel);
      end(() => {
        channel.close();
      });
    }
    const running = await start(createMesh(name, channels, shared));
    end(() => running.stop?.());
    const services = running.services ?? [];
    const common = { module: name, services, log, tokens, settings, identities, turns, observer };
    const server = listen && (await startServer({ ...common, listen }));
    const address = server?.address ?? running.listening;
    if (address) addresses.set(name, dialable(address));
    if (server) {
      end(() => server.drain(settings.drainMs));
    }
    const watch = await watchStore({
      name,
      check: running.check?.bind(running),
      log,
      serving: (serving) => server?.setServing(serving),
    });
    watches.set(name, watch);
    end(() => {
      watches.delete(name);
      watch.stop();
    });
  } catch (error) {
    throw new Error(`${name} cannot start`, { cause: error });
  }
}

function createMesh(name: string, channels: ReadonlyMap<string, Channel>, shared: Process): Mesh {
  const { log, keys, tokens, signal, meter } = shared;
  const channelTo = (service: string) => {
    const channel = channels.get(service);
    if (!channel) throw new Error(`${name} does not declare that it calls ${service}`);
    return channel;
  };
  return {
    log: log.child({ service: name }),
    keys,
    tokens,
    meter,
    signal,
    fail(reason) {
      shared.fail(new Error(`${name} failed`, { cause: reason }));
    },
    client: (service, definition) => createClient(definition, channelTo(service)),
    rawCaller: (service) => createRawCaller(channelTo(service)),
  };
}

/** Ends everything, the last started first. What does not end in time is left behind. */
async function runEnds({ ends, log, settings }: Process): Promise<void> {
  const patienceMs = settings.drainNoticeMs + settings.drainMs + STOP_MS;
  for (const { module, run } of ends.splice(0).reverse()) {
    try {
      const inTime = await settlesWithin(patienceMs, Promise.resolve(run()));
      if (!inTime) throw new Error(`Still not ended after ${patienceMs} ms`);
    } catch (error) {
      log.error({ err: error, service: module }, "a module did not stop cleanly");
    }
  }
}
