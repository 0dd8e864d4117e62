import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Upload } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { EdgeError } from "../problem.js";
import { createBlockWriter, type BlockWriter } from "./block-writer.js";
import type { UploadClients } from "./handlers.js";
import type { Checksum } from "./tus.js";

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
  request: IncomingMessage,
  target: { name: string; offset: bigint; checksum: Checksum | undefined },
  clients: UploadClients,
  scope: CallScope,
): Promise<Upload | undefined> {
  const { name, offset, checksum } = target;
  const opened = await clients.uploads.openWrite({ name, offset }, scope);
  const { upload } = opened;
  if (!upload) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
  const missing = Number(upload.sizeBytes - upload.offsetBytes);
  const tooLong = () => new DomainError("TOO_LARGE", { resource: "The body", limit_bytes: String(missing) });
  if (Number(request.headers["content-length"] ?? 0) > missing) throw tooLong();

  const writer = createBlockWriter({ ...opened, upload }, clients, scope, { hold: checksum !== undefined });
  const verification = checksum && { hash: createHash(checksum.algorithm), digest: checksum.digest };
  const complete = await pour(request, writer, missing, tooLong, (bytes) => verification?.hash.update(bytes)).catch(
    async (error: unknown) => {
      await writer.keep();
      throw error;
    },
  );
  if (!complete && verification) return undefined;
  if (verification && !sameDigest(verification.hash.digest(), verification.digest))
    throw new EdgeError("BODY_CHECKSUM_MISMATCH");
  const written = await writer.finish();
  return complete ? written : undefined;
}

/** Pours a body into a writer; false when it was cut off. */
async function pour(
  request: IncomingMessage,
  writer: BlockWriter,
  missing: number,
  tooLong: () => DomainError,
  look: (bytes: Uint8Array) => void,
): Promise<boolean> {
  request.setTimeout(STANDSTILL_MS, () => request.destroy());
  let received = 0;
  const chunks: AsyncIterator<unknown> = request[Symbol.asyncIterator]();
  for (;;) {
    const next = await nextChunk(chunks);
    if (next === "cut off") return false;
    if (next === "ended") return request.complete;
    received += next.length;
    if (received > missing) throw tooLong();
    look(next);
    await writer.write(next);
  }
}

async function nextChunk(chunks: AsyncIterator<unknown>): Promise<Uint8Array | "ended" | "cut off"> {
  try {
    const next: IteratorResult<unknown, unknown> = await chunks.next();
    return next.value instanceof Uint8Array ? next.value : "ended";
  } catch {
    // The only way in which a request's body fails: its connection did.
    return "cut off";
  }
}

function sameDigest(computed: Buffer, given: Buffer): boolean {
  return computed.length === given.length && timingSafeEqual(computed, given);
}
