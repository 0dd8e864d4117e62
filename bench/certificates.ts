import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certify, createAuthority } from "@reelmesh/mesh/identity/authority.js";
import type { TlsFiles } from "@reelmesh/mesh/identity/files.js";
import { writeSecretFolder } from "@reelmesh/mesh/identity/secret-folder.js";

/** The certificates of a few services, in files, which are replaced as an operator would. */
export interface Certificates {
  readonly files: Readonly<Record<string, TlsFiles>>;
  /** New certificates by the same authority. */
  renew(): void;
  /** The next step of replacing the authority: both are trusted; certificates are by the new one; only it is trusted. */
  replaceAuthority(step: "trust both" | "issue by the new" | "trust the new"): void;
  remove(): void;
}

export function createCertificates(services: readonly string[]): Certificates {
  const root = mkdtempSync(join(tmpdir(), "reelmesh-certificates-"));
  let [authority, next] = [createAuthority(), createAuthority()];
  let trusted = authority.certificate;
  const issue = () => {
    for (const service of services) {
      const { certificate, key } = certify({ key: createPrivateKey(authority.key) }, [service]);
      writeSecretFolder(join(root, service), { "tls.crt": certificate, "tls.key": key, "ca.crt": trusted });
    }
  };
  issue();
  return {
    files: Object.fromEntries(
      services.map((service) => {
        const file = (name: string) => join(root, service, name);
        return [service, { certificate: file("tls.crt"), key: file("tls.key"), authority: file("ca.crt") }];
      }),
    ),
    renew: issue,
    replaceAuthority(step) {
      if (step === "trust both") trusted = authority.certificate + next.certificate;
      else if (step === "issue by the new") [authority, next] = [next, createAuthority()];
      else trusted = authority.certificate;
      issue();
    },
    remove() {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The variables that name these files. */
export function tlsVariables(files: TlsFiles | undefined): Record<string, string> {
  if (!files) throw new Error("There are no such certificates");
  return { MESH_TLS_CERT: files.certificate, MESH_TLS_KEY: files.key, MESH_TLS_CA: files.authority };
}
