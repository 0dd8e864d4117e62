import type { DestinationStream, Logger } from "pino";
import { openChannel, type Channel } from "./channel.js";
import { createClient, createRawCaller } from "./client.js";
import { Environment } from "./environment.js";
import { createLog, readLogLevel } from "./log.js";
import type { Mesh, Module, RunningModule } from "./module.js";
import { startOpsServer } from "./ops.js";
import { dialable, planModules, readListen, type Plan } from "./plan.js";
import { createKeys, readSecrets, type Keys } from "./secret.js";
import { startServer, type MeshServer } from "./server.js";
import { watchStore, type StoreWatch } from "./store-watch.js";
import { createTokens, type Tokens } from "./tokens.js";

/** Modules at work in this process. */
export interface RunningMesh {
  /** Where a module's gRPC server listens, as host:port. */
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

interface Started {
  readonly name: string;
  readonly running: RunningModule;
  readonly server: MeshServer | undefined;
  readonly watch: StoreWatch;
  readonly channels: ReadonlyMap<string, Channel>;
}

/**
 * Starts modules in one process, each after those it calls.
 *
 * @param variables the environment. `MESH_DRAIN_MS`, default 10000: how long calls at work may take to end at a stop.
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
  const plans = planModules(modules, environment);
  const opsListen = readListen(environment, "OPS", 9090);
  const drainMs = environment.integer("MESH_DRAIN_MS", { default: 10_000, min: 0, max: 3_600_000 });
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
  const started: Started[] = [];
  const stop = async () => {
    stopping.abort();
    for (const each of started.splice(0).reverse()) await stopModule(each, drainMs, log);
  };

  const startModule = async ({ module, start, listen, elsewhere }: Plan): Promise<Started> => {
    const { name } = module;
    const channels = new Map<string, Channel>();
    for (const service of module.clients) {
      const address = addresses.get(service) ?? elsewhere.get(service);
      if (address !== undefined) channels.set(service, openChannel(service, address, name, tokens));
    }
    const running = await start(createMesh({ name, channels, log, keys, tokens, signal: stopping.signal, fail }));
    const services = running.services ?? [];
    const server = listen && (await startServer({ module: name, listen, services, log, tokens }));
    if (server) addresses.set(name, dialable(server.address));
    const watch = await watchStore({
      name,
      check: running.check?.bind(running),
      log,
      serving: (serving) => server?.setServing(serving),
    });
    return { name, running, server, watch, channels };
  };

  try {
    for (const each of plans) started.push(await startModule(each));
    const ops = await startOpsServer(opsListen, () =>
      started.filter(({ watch }) => !watch.serving()).map(({ name }) => name),
    );
    return {
      addressOf(module) {
        const address = addresses.get(module);
        if (address === undefined) throw new Error(`${module} serves no gRPC here`);
        return address;
      },
      opsAddress: dialable(ops.address),
      keys,
      tokens,
      log,
      failed,
      async stop() {
        await stop();
        await ops.close();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function createMesh(parts: {
  name: string;
  channels: ReadonlyMap<string, Channel>;
  log: Logger;
  keys: Keys;
  tokens: Tokens;
  signal: AbortSignal;
  fail: (reason: unknown) => void;
}): Mesh {
  const { name, channels, log, keys, tokens, signal, fail } = parts;
  const channelTo = (service: string) => {
    const channel = channels.get(service);
    if (!channel) throw new Error(`${name} does not declare that it calls ${service}`);
    return channel;
  };
  return {
    log: log.child({ service: name }),
    keys,
    tokens,
    signal,
    fail,
    client: (service, definition) => createClient(definition, channelTo(service)),
    rawCaller: (service) => createRawCaller(channelTo(service)),
  };
}

async function stopModule(
  { name, running, server, watch, channels }: Started,
  drainMs: number,
  log: Logger,
): Promise<void> {
  try {
    watch.stop();
    await server?.drain(drainMs);
    await running.stop?.();
  } catch (error) {
    log.error({ err: error, service: name }, "a module did not stop cleanly");
  } finally {
    for (const channel of channels.values()) channel.close();
  }
}
