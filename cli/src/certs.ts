import { createPrivateKey } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { certify, createAuthority, type CertifiedKey } from "@reelmesh/mesh/identity/authority.js";
import { writeSecretFolder } from "@reelmesh/mesh/identity/secret-folder.js";
import { spiffeId } from "@reelmesh/mesh/identity/spiffe.js";
import { UsageError, type Command } from "./command.js";

const SERVICES = ["storage", "catalog", "upload", "transcode", "streaming", "history", "recommendations", "accounts"];
const CALLERS = ["gateway", "transcode-worker"];
/** The folder of the certificate that names them all, for everything in one process. */
const ALL = "all";

/** Makes a development authority and certificates, or certificates anew by the authority that is there. */
export const certs: Command = {
  name: "mesh certs",
  usage: `mesh certs [--out DIR] [SERVICE...]
      Make a certificate authority for development and certificates for mTLS, each with its key and the authority in
      DIR/SERVICE (default data/certs). Run again, it renews the certificates and keeps the authority; running services
      take them up by themselves. Default: every service, and "all", one certificate for everything in one process.`,
  async run({ arguments: args, out }) {
    const { folder, names } = read(args);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const authority = openAuthority(join(folder, "authority"));
    const key = createPrivateKey(authority.key);
    for (const name of names) {
      const { certificate, key: own } = certify({ key }, name === ALL ? [...SERVICES, ...CALLERS] : [name]);
      writeSecretFolder(join(folder, name), {
        "tls.crt": certificate,
        "tls.key": own,
        "ca.crt": authority.certificate,
      });
      out(`${join(folder, name)}  ${name === ALL ? "every service" : spiffeId(name)}`);
    }
    const [first = ""] = names;
    out("\nFor each service, such as the first:");
    for (const [variable, file] of [
      ["MESH_TLS_CERT", "tls.crt"],
      ["MESH_TLS_KEY", "tls.key"],
      ["MESH_TLS_CA", "ca.crt"],
    ] as const) {
      out(`  ${variable}=${join(folder, first, file)}`);
    }
  },
};

/** The authority in a folder: what is there, else a new one. */
function openAuthority(folder: string): CertifiedKey {
  try {
    return {
      certificate: readFileSync(join(folder, "tls.crt"), "utf8"),
      key: readFileSync(join(folder, "tls.key"), "utf8"),
    };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const made = createAuthority();
  writeSecretFolder(folder, { "tls.crt": made.certificate, "tls.key": made.key });
  return made;
}

function read(args: readonly string[]): { folder: string; names: readonly string[] } {
  const { values, positionals } = parse(args);
  for (const name of positionals) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name) || name === "authority") {
      throw new UsageError(`${name} is no name of a service: lower-case letters, digits and hyphens`);
    }
  }
  return {
    folder: values.out ?? join("data", "certs"),
    names: positionals.length > 0 ? [...new Set(positionals)] : [ALL, ...SERVICES, ...CALLERS],
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { out: { type: "string" } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
