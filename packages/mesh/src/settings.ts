import { REFRESH_MS } from "./identity/credentials.js";
import type { TlsFiles } from "./identity/files.js";
import { MOST_STREAMS } from "./admission/admission.js";
import { parseAddresses, type Address } from "./discovery/address.js";
import type { Environment } from "./environment.js";
import { readFaults, type Faults } from "./faults/faults.js";

/** What the mesh itself can be told, by variables that begin with MESH_. */
export interface MeshSettings {
  /** `MESH_DRAIN_MS`, default 10000: how long calls at work may take to end at a stop. */
  readonly drainMs: number;
  /** `MESH_DRAIN_NOTICE_MS`, default 0: how long a server that stops still takes calls, so that balancers see it go. */
  readonly drainNoticeMs: number;
  /** `MESH_MAX_STREAMS`, default 1000: how many streams a server keeps open at a time. */
  readonly mostStreams: number;
  /** `MESH_TLS_CERT`, `MESH_TLS_KEY`, `MESH_TLS_CA`, all or none. Absent: plaintext. */
  readonly tls: TlsFiles | undefined;
  /** `MESH_TLS_REFRESH_MS`, default 5000: how often these files are read again. */
  readonly tlsRefreshMs: number;
  /** `MESH_TLS_CONNECTION_AGE_MS`, default an hour: how old a connection, and so the certificates it began with, gets. */
  readonly tlsConnectionAgeMs: number;
  /** `MESH_PLAINTEXT=allow`: whether services may listen beyond loopback without TLS. */
  readonly plaintextAllowed: boolean;
  /** `OPS_HOSTS`, comma separated: names besides addresses and localhost that operators come by. */
  readonly opsHosts: readonly string[];
  /** `MESH_PEERS`, comma separated: operators' ports of other processes, which this one's page shows too. */
  readonly peers: readonly Address[];
  /** `MESH_PATIENCE_MS`, default 5000: how long a call waits for a service that no connection reaches. */
  readonly patienceMs: number;
  /** `MESH_FAULTS=allow`, `MESH_FAULT_RULES`: harm on purpose. Absent: not allowed. */
  readonly faults: Faults | undefined;
  /** Absent: no traces are exported. */
  readonly traceExport: TraceExportSettings | undefined;
}

/** Where traces go. */
export interface TraceExportSettings {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` added. */
  readonly url: string;
  /** `OTEL_TRACES_SAMPLER_ARG`, default 1: the share of traces that is exported, from 0 to 1. */
  readonly share: number;
  /** `OTEL_BSP_SCHEDULE_DELAY`, default 5000: how long spans may wait for others to go with. */
  readonly delayMs: number;
}

const PATIENCE_MS = 5_000;
const HOUR_MS = 3_600_000;

/** Reads the mesh's own settings. Faults are recorded, not thrown. */
export function readMeshSettings(environment: Environment): MeshSettings {
  const integer = (variable: string, preset: number, [min, max]: readonly [number, number]) =>
    environment.integer(variable, { default: preset, min, max });
  return {
    drainMs: integer("MESH_DRAIN_MS", 10_000, [0, HOUR_MS]),
    drainNoticeMs: integer("MESH_DRAIN_NOTICE_MS", 0, [0, HOUR_MS]),
    mostStreams: integer("MESH_MAX_STREAMS", MOST_STREAMS, [1, 1_000_000]),
    tls: readTls(environment),
    tlsRefreshMs: integer("MESH_TLS_REFRESH_MS", REFRESH_MS, [10, HOUR_MS]),
    tlsConnectionAgeMs: integer("MESH_TLS_CONNECTION_AGE_MS", HOUR_MS, [100, 24 * HOUR_MS]),
    plaintextAllowed:
      environment.oneOf("MESH_PLAINTEXT", { values: ["allow", "loopback"], default: "loopback" }) === "allow",
    patienceMs: integer("MESH_PATIENCE_MS", PATIENCE_MS, [0, HOUR_MS]),
    faults: readFaults(environment),
    opsHosts: readHosts(environment),
    peers: readPeers(environment),
    traceExport: readTraceExport(environment),
  };
}

function readHosts(environment: Environment): readonly string[] {
  const given = environment.string("OPS_HOSTS", { default: "" });
  const hosts = given
    .toLowerCase()
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
  if (hosts.every((host) => /^[a-z0-9._-]+$/.test(host))) return hosts;
  environment.fault("OPS_HOSTS", given, "host names with commas between them, such as ops.example.org");
  return [];
}

function readPeers(environment: Environment): readonly Address[] {
  const given = environment.optional("MESH_PEERS");
  if (given === undefined) return [];
  const peers = parseAddresses(given);
  if (!peers) environment.fault("MESH_PEERS", given, "host:port of operators' ports, with commas between them");
  return peers ?? [];
}

function readTraceExport(environment: Environment): TraceExportSettings | undefined {
  const endpoint = environment.optional("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (endpoint === undefined) return undefined;
  if (!/^https?:\/\/\S+$/.test(endpoint) || !URL.canParse(endpoint)) {
    environment.fault("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "an HTTP address, such as http://localhost:4318");
  }
  const given = environment.string("OTEL_TRACES_SAMPLER_ARG", { default: "1" });
  const share = /^\d*\.?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (!(share >= 0 && share <= 1)) environment.fault("OTEL_TRACES_SAMPLER_ARG", given, "a number from 0 to 1");
  const delayMs = environment.integer("OTEL_BSP_SCHEDULE_DELAY", { default: 5_000, min: 1, max: 60_000 });
  return { url: `${endpoint.replace(/\/+$/, "")}/v1/traces`, share, delayMs };
}

function readTls(environment: Environment): TlsFiles | undefined {
  const names = ["MESH_TLS_CERT", "MESH_TLS_KEY", "MESH_TLS_CA"] as const;
  const [certificate, key, authority] = names.map((name) => environment.optional(name));
  if (certificate !== undefined && key !== undefined && authority !== undefined) return { certificate, key, authority };
  const given = names.filter((name) => environment.optional(name) !== undefined);
  if (given.length > 0) {
    for (const name of names.filter((missing) => !given.includes(missing))) {
      environment.fault(name, undefined, `a PEM file, as ${given.join(" and ")} did`);
    }
  }
  return undefined;
}
