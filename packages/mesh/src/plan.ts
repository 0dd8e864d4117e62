import { parseAddresses } from "./discovery/address.js";
import type { Environment, ListenAddress } from "./environment.js";
import type { Mesh, Module, RunningModule } from "./module.js";
import { startOrder } from "./order.js";
import type { MeshSettings } from "./settings.js";

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
  return startOrder(modules).map((module) => ({
    module,
    start: module.prepare(environment),
    listen: module.port === undefined ? undefined : readListen(environment, module.name, module.port),
    elsewhere: new Map(
      module.clients.filter((name) => !here.has(name)).map((name) => [name, readAddress(environment, name)]),
    ),
  }));
}

/** Finds fault with services that would be reached from elsewhere in plaintext, unless that is allowed. */
export function checkPlaintext(plans: readonly Plan[], settings: MeshSettings, environment: Environment): void {
  if (settings.tls || settings.plaintextAllowed) return;
  for (const { module, listen } of plans) {
    if (!listen || isLoopback(listen.host)) continue;
    const wanted = "an address of loopback, or MESH_TLS_CERT, MESH_TLS_KEY and MESH_TLS_CA, or MESH_PLAINTEXT=allow";
    environment.fault(`${variable(module.name)}_LISTEN`, `${listen.host}:${listen.port}`, wanted);
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Where /livez and /readyz are to be: `OPS_LISTEN`, default 127.0.0.1:9090; `OPS_PORT` changes the port alone. */
export function readOpsListen(environment: Environment): ListenAddress {
  return environment.listen("OPS_LISTEN", { default: { host: "127.0.0.1", port: 9090 }, port: "OPS_PORT" });
}

/** An address to connect to, as host:port: where a server listens on every interface, loopback. */
export function dialable({ host, port }: ListenAddress): string {
  if (host === "0.0.0.0") return `127.0.0.1:${port}`;
  if (host === "::") return `[::1]:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `<NAME>_LISTEN`, on loopback unless told otherwise. */
function readListen(environment: Environment, module: string, port: number): ListenAddress {
  return environment.listen(`${variable(module)}_LISTEN`, { default: { host: "127.0.0.1", port } });
}

function readAddress(environment: Environment, service: string): string {
  const name = `${variable(service)}_ADDRESS`;
  const address = environment.optional(name);
  if (address !== undefined && parseAddresses(address)) return address;
  environment.fault(name, address, `where the service ${service} is, such as ${service}:7000`);
  return "";
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}
