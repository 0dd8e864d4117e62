import type { IncomingMessage } from "node:http";
import { invalidField } from "@reelmesh/mesh/fields.js";
import { EdgeError } from "../problem.js";

/** The version of the protocol that is spoken: https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = "1.0.0";
export const TUS_EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum";
/** Algorithms of Upload-Checksum, as node:crypto calls them. */
export const CHECKSUM_ALGORITHMS: readonly string[] = ["sha1", "sha256", "sha512", "md5"];
export const BODY_TYPE = "application/offset+octet-stream";

/** What clients say of a file; `name` and `type` are some clients' words for `filename` and `filetype`. */
const METADATA_KEYS = ["filename", "name", "filetype", "type", "title", "visibility"] as const;
const LONGEST_METADATA = 4096;

/** Upload-Metadata, as far as it counts here, decoded. */
export type TusMetadata = ReadonlyMap<(typeof METADATA_KEYS)[number], string>;

/** Upload-Checksum, decoded. */
export interface Checksum {
  readonly algorithm: string;
  readonly digest: Buffer;
}

/**
 * The method to act by. X-HTTP-Method-Override "MUST be interpreted as the request's method", here of a POST alone: a
 * request that was let through because its method changes nothing must not turn into one that does.
 */
export function methodOf(request: IncomingMessage): string {
  const override = request.headers["x-http-method-override"];
  return request.method === "POST" && typeof override === "string" ? override.toUpperCase() : (request.method ?? "");
}

/**
 * Refuses a client of another version: the Server "MUST respond with the 412 Precondition Failed status and MUST include
 * the Tus-Version header", and "MUST NOT process the request".
 *
 * @throws EdgeError TUS_VERSION_NOT_SUPPORTED
 */
export function assertVersion(request: IncomingMessage): void {
  if (request.headers["tus-resumable"] === TUS_VERSION) return;
  throw new EdgeError("TUS_VERSION_NOT_SUPPORTED", { "tus-version": TUS_VERSION });
}

/**
 * Upload-Length: "The value MUST be a non-negative integer."
 *
 * @throws DomainError INVALID_FIELD
 */
export function readLength(request: IncomingMessage): bigint {
  if (request.headers["upload-defer-length"] !== undefined)
    throw invalidField("Upload-Defer-Length", "is not offered: say the length with Upload-Length");
  return readNumber(request, "Upload-Length");
}

/**
 * Upload-Offset: "The value MUST be a non-negative integer."
 *
 * @throws DomainError INVALID_FIELD
 */
export function readOffset(request: IncomingMessage): bigint {
  return readNumber(request, "Upload-Offset");
}

/**
 * Upload-Metadata: "one or more comma-separated key-value pairs. The key and value MUST be separated by a space. The key
 * MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII encoded and the value MUST be Base64
 * encoded. All keys MUST be unique." A value may be missing. Values under keys of the client's own may be any bytes.
 *
 * @throws DomainError INVALID_FIELD that names the key.
 */
export function readMetadata(header: string): TusMetadata {
  const field = "Upload-Metadata";
  if (header.length > LONGEST_METADATA) throw invalidField(field, `is longer than ${LONGEST_METADATA} characters`);
  const values = new Map<string, Buffer>();
  const pairs = header.trim() === "" ? [] : header.split(",");
  for (const pair of pairs) {
    const [, key, value = ""] = /^([\x21-\x2b\x2d-\x7e]{1,64})(?: (\S*))?$/.exec(pair.trim()) ?? [];
    if (key === undefined) throw invalidField(field, "is not pairs of a key and a Base64 value");
    if (values.has(key)) throw invalidField(`${field}.${key}`, "is given twice");
    if (!isBase64(value)) throw invalidField(`${field}.${key}`, "is not Base64");
    values.set(key, Buffer.from(value, "base64"));
  }
  return new Map(
    METADATA_KEYS.flatMap((key) => {
      const value = values.get(key);
      return value ? [[key, decodeText(`${field}.${key}`, value)] as const] : [];
    }),
  );
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
 * "All PATCH requests MUST use Content-Type: application/offset+octet-stream, otherwise the server SHOULD return a 415."
 *
 * @throws EdgeError BODY_NOT_OFFSET_BYTES
 */
export function assertBodyType(request: IncomingMessage): void {
  if (request.headers["content-type"] !== BODY_TYPE) throw new EdgeError("BODY_NOT_OFFSET_BYTES");
}

/** The largest number that a contract carries (int64): more than any upload has bytes. */
const MOST = 2n ** 63n - 1n;

function readNumber(request: IncomingMessage, name: string): bigint {
  const header = request.headers[name.toLowerCase()];
  if (typeof header !== "string" || !/^\d{1,100}$/.test(header))
    throw invalidField(name, "must be a whole number, not negative");
  const value = BigInt(header);
  return value < MOST ? value : MOST;
}

function decodeText(field: string, value: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    throw invalidField(field, "is not valid UTF-8");
  }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
