import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";

/** Where a service's certificate is, each a path to a PEM file. */
export interface TlsFiles {
  /** The certificate, with those between it and the authority's behind it. */
  readonly certificate: string;
  readonly key: string;
  /** The authorities' certificates; two while one replaces the other. */
  readonly authority: string;
}

/** What the files held at one moment: a certificate, its own key, and whom to trust. */
export interface TlsMaterial {
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly authority: Buffer;
}

/**
 * Reads the three files.
 *
 * @param known what they held before: answered as it is when nothing changed, for to check them costs more than to read.
 * @throws Error when one cannot be read, is no PEM, or the key is not the certificate's: half a pair, met while it is
 *   replaced, refuses every connection.
 */
export function readMaterial(files: TlsFiles, known?: TlsMaterial): TlsMaterial {
  const certificate = readFileSync(files.certificate);
  const key = readFileSync(files.key);
  const authority = readFileSync(files.authority);
  const read = { certificate, key, authority };
  if (known && sameMaterial(read, known)) return known;
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
    throw new Error(`${files.key} is not the key of ${files.certificate}`);
  }
  createSecureContext({ cert: certificate, key, ca: authority });
  return read;
}

/** Whether two readings are of the same certificates. */
function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.certificate.equals(b.certificate) && a.key.equals(b.key) && a.authority.equals(b.authority);
}
