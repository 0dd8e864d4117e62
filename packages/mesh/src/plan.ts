import type { Environment, ListenAddress } from "./environment.js";
import type { Mesh, Module, RunningModule } from "./module.js";
import { startOrder } from "./order.js";

/** What is known of a module before anything starts. */
export interface Plan {
  readonly module: Module;
  readonly start: (mesh: Mesh) => Promise<RunningModule>;
  /** Where its gRPC server is to listen, if it has one. */
  readonly listen: ListenAddress | undefined;
  /** Where the services are that it calls and that do not run here. */
  readonly elsewhere: ReadonlyMap<string, string>;
}

/** Reads every module's settings and puts them in the order to start in. */
export function planModules(modules: readonly Module[], environment: Environment): readonly Plan[] {
  const here = new Set(modules.map(({ name }) => name));
  const plans = startOrder(modules).map((module) => ({
    module,
    start: module.prepare(environment),
    listen: module.port === undefined ? undefined : readListen(environment, variable(module.name), module.port),
    elsewhere: new Map(
      module.clients.filter((name) => !here.has(name)).map((name) => [name, readAddress(environment, variable(name))]),
    ),
  }));
  return plans;
}

/** `<NAME>_LISTEN`, on loopback unless told otherwise; `<NAME>_PORT` changes the port alone for `OPS`. */
export function readListen(environment: Environment, name: string, port: number): ListenAddress {
  return environment.listen(`${name}_LISTEN`, { default: { host: "127.0.0.1", port } });
}

/** An address to connect to, as host:port: where a server listens on every interface, loopback. */
export function dialable({ host, port }: ListenAddress): string {
  if (host === "0.0.0.0") return `127.0.0.1:${port}`;
  if (host === "::") return `[::1]:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function readAddress(environment: Environment, name: string): string {
  const address = environment.optional(`${name}_ADDRESS`);
  if (address !== undefined && /^\S+:\d{1,5}$/.test(address)) return address;
  environment.fault(`${name}_ADDRESS`, address, `where the service is, such as ${name.toLowerCase()}:7000`);
  return "";
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}
