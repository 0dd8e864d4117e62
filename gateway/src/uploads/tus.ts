import type { IncomingMessage } from "node:http";
import { invalidField } from "@reelmesh/mesh/fields.js";
import { EdgeError } from "../problem.js";

/** The version of the protocol that is spoken: https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = "1.0.0";
export const TUS_EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum";
/** Algorithms of Upload-Checksum, as node:crypto calls them. */
export const CHECKSUM_ALGORITHMS: readonly string[] = ["sha1", "sha256", "sha512", "md5"];
export const BODY_TYPE = "application/offset+octet-stream";

const LONGEST_METADATA = 4096;

/** Upload-Metadata, decoded. */
export type TusMetadata = ReadonlyMap<string, string>;

/** Upload-Checksum, decoded. */
export interface Checksum {
  readonly algorithm: string;
  readonly digest: Buffer;
}

/** The method to act by: that of X-HTTP-Method-Override where a client cannot send it itself. */
export function methodOf(request: IncomingMessage): string {
  const override = request.headers["x-http-method-override"];
  return request.method === "POST" && typeof override === "string" ? override.toUpperCase() : (request.method ?? "");
}

/**
 * Refuses a client of another version: the Server MUST respond with 412 and MUST NOT process the request.
 *
 * @throws EdgeError TUS_VERSION_NOT_SUPPORTED
 */
export function assertVersion(request: IncomingMessage): void {
  if (request.headers["tus-resumable"] === TUS_VERSION) return;
  throw new EdgeError("TUS_VERSION_NOT_SUPPORTED", { "tus-version": TUS_VERSION });
}

/**
 * Upload-Length: a non-negative integer.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readLength(request: IncomingMessage): bigint {
  if (request.headers["upload-defer-length"] !== undefined) {
    throw invalidField("Upload-Defer-Length", "is not offered: say the length with Upload-Length");
  }
  return readNumber(request, "Upload-Length");
}

/**
 * Upload-Offset: a non-negative integer.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readOffset(request: IncomingMessage): bigint {
  return readNumber(request, "Upload-Offset");
}

/**
 * Upload-Metadata: pairs of an ASCII key and a Base64 value, joined by commas; the value may be missing.
 *
 * @throws DomainError INVALID_FIELD that names the key.
 */
export function readMetadata(header: string): TusMetadata {
  const field = "Upload-Metadata";
  if (header.length > LONGEST_METADATA) throw invalidField(field, `is longer than ${LONGEST_METADATA} characters`);
  const metadata = new Map<string, string>();
  for (const pair of header.split(",")) {
    const [key, value = "", ...rest] = pair.trim().split(" ");
    if (key === undefined || key === "") {
      if (header.trim() === "") break;
      throw invalidField(field, "has an empty key");
    }
    if (!/^[\x21-\x2b\x2d-\x7e]{1,64}$/.test(key) || rest.length > 0)
      throw invalidField(field, "is not pairs of a key and a Base64 value");
    if (metadata.has(key)) throw invalidField(`${field}.${key}`, "is given twice");
    metadata.set(key, decodeValue(`${field}.${key}`, value));
  }
  return metadata;
}

/**
 * Upload-Checksum: an algorithm and a Base64 digest. Undefined when there is none.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readChecksum(request: IncomingMessage): Checksum | undefined {
  const header = request.headers["upload-checksum"];
  if (header === undefined) return undefined;
  const [algorithm = "", digest = "", ...rest] = String(header).split(" ");
  if (!CHECKSUM_ALGORITHMS.includes(algorithm)) {
    throw invalidField("Upload-Checksum", `must name one of ${CHECKSUM_ALGORITHMS.join(", ")}`);
  }
  if (!isBase64(digest) || digest === "" || rest.length > 0)
    throw invalidField("Upload-Checksum", "must be an algorithm and a Base64 digest");
  return { algorithm, digest: Buffer.from(digest, "base64") };
}

/**
 * Refuses a body of another type than bytes of an upload.
 *
 * @throws EdgeError BODY_NOT_OFFSET_BYTES
 */
export function assertBodyType(request: IncomingMessage): void {
  if (request.headers["content-type"] !== BODY_TYPE) throw new EdgeError("BODY_NOT_OFFSET_BYTES");
}

function readNumber(request: IncomingMessage, name: string): bigint {
  const header = request.headers[name.toLowerCase()];
  if (typeof header === "string" && /^\d{1,18}$/.test(header)) return BigInt(header);
  throw invalidField(name, "must be a whole number, not negative");
}

function decodeValue(field: string, value: string): string {
  if (!isBase64(value)) throw invalidField(field, "is not Base64");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, "base64"));
  } catch {
    throw invalidField(field, "is not valid UTF-8");
  }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
