import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Upload } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { EdgeError } from "../problem.js";
import { createBlockWriter, type BlockWriter, type UploadClients } from "./block-writer.js";
import type { TusCall } from "./handlers.js";
import type { Checksum } from "./tus.js";

/** Where a body goes. */
export interface BodyTarget {
  /** `uploads/{upload}`. */
  readonly name: string;
  readonly offset: bigint;
  readonly checksum: Checksum | undefined;
}

/** How long a body may stand still before what has arrived is kept and the connection given up. */
const STANDSTILL_MS = 120_000;

/**
 * Writes a request's body to an upload, from `offset` on. Of a body that is cut off everything that arrived is kept,
 * unless it came with a checksum: then nothing counts before all of it does.
 *
 * @returns the upload as it stands; undefined when the client left, and nobody waits for an answer.
 * @throws DomainError as UploadService.OpenWrite, RecordBlocks and StorageService.StageBlock; TOO_LARGE for a body
 *   longer than what is missing; EdgeError BODY_CHECKSUM_MISMATCH.
 */
export async function receiveBody(
  { request, response, nextScope }: TusCall,
  { name, offset, checksum }: BodyTarget,
  clients: UploadClients,
): Promise<Upload | undefined> {
  const opened = await clients.uploads.openWrite({ name, offset }, await nextScope());
  const { upload } = opened;
  if (!upload) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
  const missing = upload.sizeBytes - upload.offsetBytes;
  assertFits(request, missing);
  // Only now is the body of a client that asks first worth sending (RFC 9110, section 10.1.1).
  if (request.headers.expect !== undefined) response.writeContinue();

  const writer = createBlockWriter({ ...opened, upload }, clients, nextScope, { hold: checksum !== undefined });
  const hash = checksum && createHash(checksum.algorithm);
  try {
    await pour(request, writer, missing, (bytes) => hash?.update(bytes));
  } catch (error) {
    await writer.keep();
    throw error;
  }
  if (checksum && hash) {
    // "The uploaded chunk MUST be discarded, and the upload and its offset MUST NOT be updated."
    if (!request.complete) return undefined;
    if (!sameDigest(hash.digest(), checksum.digest)) throw new EdgeError("BODY_CHECKSUM_MISMATCH");
  }
  const written = await writer.finish();
  return request.complete ? written : undefined;
}

/**
 * Refuses a body that says it is longer than `missing` bytes.
 *
 * @throws DomainError TOO_LARGE
 */
export function assertFits(request: IncomingMessage, missing: bigint): void {
  if (BigInt(request.headers["content-length"] ?? 0) > missing) throw tooLong(missing);
}

/** Pours a body into a writer, as far as it comes. */
async function pour(
  request: IncomingMessage,
  writer: BlockWriter,
  missing: bigint,
  look: (bytes: Uint8Array) => void,
): Promise<void> {
  const standstill = setTimeout(() => request.destroy(), STANDSTILL_MS);
  let received = 0;
  try {
    for await (const bytes of bytesOf(request)) {
      standstill.refresh();
      received += bytes.length;
      if (received > missing) throw tooLong(missing);
      look(bytes);
      await writer.write(bytes);
    }
  } finally {
    clearTimeout(standstill);
  }
}

/** A body's bytes. They end early when the connection does; the request is not `complete` then. */
async function* bytesOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  // A body that is refused half-way leaves its connection open, for the answer.
  const chunks: AsyncIterable<unknown> = request.iterator({ destroyOnReturn: false });
  try {
    for await (const chunk of chunks) if (chunk instanceof Uint8Array) yield chunk;
  } catch {
    // The only way in which a request's body fails: its connection did.
  }
}

function tooLong(missing: bigint): DomainError {
  return new DomainError("TOO_LARGE", { resource: "The body", limit_bytes: String(missing) });
}

function sameDigest(computed: Buffer, given: Buffer): boolean {
  return computed.length === given.length && timingSafeEqual(computed, given);
}
