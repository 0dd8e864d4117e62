import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { certify, createAuthority, type CertifiedKey } from "../../src/identity/authority.js";
import { openIdentities, type Identities } from "../../src/identity/credentials.js";
import type { TlsFiles } from "../../src/identity/files.js";
import { writeSecretFolder } from "../../src/identity/secret-folder.js";
import { afterTest } from "./mesh.js";

/** A folder of a test's certificates. */
export interface Certificates {
  /** Makes a certificate by an authority, or makes it anew, and answers where it is. */
  issue(folder: string, names?: readonly string[], by?: CertifiedKey): TlsFiles;
  readonly authority: CertifiedKey;
}

export function makeCertificates(): Certificates {
  const root = mkdtempSync(join(tmpdir(), "reelmesh-certificates-"));
  afterTest(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const authority = createAuthority();
  return {
    authority,
    issue(folder, names = [folder], by = authority) {
      const { certificate, key } = certify({ key: createPrivateKey(by.key) }, names);
      writeSecretFolder(join(root, folder), {
        "tls.crt": certificate,
        "tls.key": key,
        "ca.crt": authority.certificate,
      });
      const [certificateFile, keyFile, authorityFile] = ["tls.crt", "tls.key", "ca.crt"].map((name) =>
        join(root, folder, name),
      );
      return { certificate: certificateFile ?? "", key: keyFile ?? "", authority: authorityFile ?? "" };
    },
  };
}

/** The variables that name these files. */
export function tlsVariables({ certificate, key, authority }: TlsFiles): Record<string, string> {
  return { MESH_TLS_CERT: certificate, MESH_TLS_KEY: key, MESH_TLS_CA: authority };
}

export function identitiesOf(files: TlsFiles, refreshMs?: number): Identities {
  const identities = openIdentities(files, pino({ level: "silent" }), refreshMs);
  afterTest(() => {
    identities.stop();
  });
  return identities;
}
