import { REFRESH_MS } from "./identity/credentials.js";
import type { TlsFiles } from "./identity/files.js";
import { MOST_STREAMS } from "./admission/admission.js";
import type { Environment } from "./environment.js";

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
}

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
  };
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
