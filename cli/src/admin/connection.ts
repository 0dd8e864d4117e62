import { randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { OPERATOR } from "@reelmesh/mesh/access.js";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { DEADLINE_MS, openChannel, type Channel } from "@reelmesh/mesh/channel.js";
import { createClient, type Client } from "@reelmesh/mesh/client.js";
import { parseAddresses } from "@reelmesh/mesh/discovery/address.js";
import { Environment } from "@reelmesh/mesh/environment.js";
import { openIdentities, PLAINTEXT } from "@reelmesh/mesh/identity/credentials.js";
import { servicesNamed } from "@reelmesh/mesh/identity/spiffe.js";
import { createLog, logGrpc } from "@reelmesh/mesh/log.js";
import { SILENT } from "@reelmesh/mesh/observe/events.js";
import { createKeys, readSecrets, type Keys } from "@reelmesh/mesh/secret.js";
import { readMeshSettings } from "@reelmesh/mesh/settings.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { DocumentsServiceDefinition } from "@reelmesh/proto/reelmesh/documents/v1/documents_service.js";
import { SweepServiceDefinition } from "@reelmesh/proto/reelmesh/mesh/v1/sweep_service.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

/** The services that keep documents, each before those that it calls, and where they are unless told otherwise. */
export const OWNERS = [
  { name: "upload", port: 7003 },
  { name: "catalog", port: 7002 },
] as const;
const STORAGE = { name: "storage", port: 7001 };
/** In the order in which one makes work for the next. */
const SWEPT = ["catalog", "upload", "storage"];

/** How long an operator's token is good for: one is made for each call. */
const TOKEN_SECONDS = 600;

/** A service that keeps documents. */
export interface Owner {
  readonly name: string;
  readonly documents: Client<typeof DocumentsServiceDefinition>;
}

/** The mesh as its operator reaches it. */
export interface Connection {
  readonly owners: readonly Owner[];
  readonly sweeps: readonly { readonly service: string; readonly client: Client<typeof SweepServiceDefinition> }[];
  readonly storage: Client<typeof StorageServiceDefinition>;
  readonly keys: Keys;
  /** What each call goes with. */
  readonly scope: () => Promise<CallScope>;
}

/**
 * Does work over the mesh that the environment names: `MESH_SECRET`, the addresses, certificates where there are any.
 *
 * @throws ConfigError
 */
export async function withConnection<R>(
  variables: Readonly<Record<string, string | undefined>>,
  work: (connection: Connection) => Promise<R>,
): Promise<R> {
  // A command line stands where `npm start` does: the secret kept in the data folder will do.
  const environment = new Environment(variables, { alone: false });
  const keys = createKeys(readSecrets(environment));
  const { tls, patienceMs } = readMeshSettings(environment);
  const services = [...OWNERS, STORAGE].map((service) => ({ ...service, address: readAddress(environment, service) }));
  environment.assertUsable();

  const log = createLog("silent");
  logGrpc(log);
  const tokens = createTokens(keys);
  const identities = tls ? openIdentities(tls, log) : PLAINTEXT;
  const caller = (tls && nameIn(tls.certificate)) ?? "operator";
  const channels = new Map<string, Channel>();
  for (const { name, address } of services) {
    const options = {
      credentials: identities.channel(name),
      patienceMs,
      grpc: identities.secure ? { "grpc.ssl_target_name_override": name } : {},
    };
    channels.set(name, openChannel(name, address, caller, tokens, DEADLINE_MS, SILENT, options));
  }
  const channelTo = (name: string): Channel => {
    const channel = channels.get(name);
    if (!channel) throw new Error(`There is no way to ${name}`);
    return channel;
  };
  const interrupted = new AbortController();
  const interrupt = () => {
    interrupted.abort(new Error("Interrupted"));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    return await work({
      owners: OWNERS.map(({ name }) => ({
        name,
        documents: createClient(DocumentsServiceDefinition, channelTo(name)),
      })),
      sweeps: SWEPT.map((service) => ({ service, client: createClient(SweepServiceDefinition, channelTo(service)) })),
      storage: createClient(StorageServiceDefinition, channelTo("storage")),
      keys,
      scope: async () => ({
        requestId: randomUUID(),
        signal: interrupted.signal,
        principal: OPERATOR,
        principalToken: await tokens.forPrincipal(OPERATOR, TOKEN_SECONDS),
        criticality: "sheddable",
      }),
    });
  } finally {
    for (const channel of channels.values()) channel.close();
    identities.stop();
  }
}

function readAddress(environment: Environment, { name, port }: { name: string; port: number }): string {
  const variable = `${name.toUpperCase()}_ADDRESS`;
  const address = environment.string(variable, { default: `127.0.0.1:${port}` });
  if (!parseAddresses(address)) environment.fault(variable, address, `where the service ${name} is, ${name}:${port}`);
  return address;
}

/** Who this process is by its certificate: in a service's container, that service. */
function nameIn(certificate: string): string | undefined {
  return servicesNamed(new X509Certificate(readFileSync(certificate)).subjectAltName)[0];
}
