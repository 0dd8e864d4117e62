import { Readable } from "node:stream";
import type { BlobClient, BlobDownloadResponseParsed } from "@azure/storage-blob";
import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";
import type { ObjectName } from "../names.js";
import type { OpenObject, ReadRange, StoredObject } from "../object-store.js";
import { resolveRange } from "../range.js";
import { answered, asDomainError } from "./failure.js";
import { toObject, type BlobFacts } from "./metadata.js";
import type { TracedOptions } from "./tracing.js";

/** How often a download is taken up again where it broke off, without a byte coming in between. */
const RESUMPTIONS = 3;

/** Opens a blob for reading: one request for what it is and for its bytes, which flow as they are asked for. */
export async function openBlob(
  blob: BlobClient,
  name: ObjectName,
  { offset, length, ifMatch }: ReadRange,
  signal: AbortSignal,
  traced: TracedOptions,
): Promise<OpenObject> {
  const identify = (facts: BlobFacts): StoredObject => {
    const object = toObject(name, facts);
    if (!object) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
    if (ifMatch !== undefined && ifMatch !== object.etag) throw new DomainError("ETAG_MISMATCH", { resource: name });
    return object;
  };
  const source: Source = { blob, name, options: { abortSignal: signal, ...traced } };

  const response = length === 0 ? undefined : await download(source, offset, length);
  if (!response) {
    // A range without bytes, which HTTP cannot ask for, or beyond the end.
    const facts = await blob.getProperties(source.options);
    const object = identify({ ...facts, size: facts.contentLength });
    resolveRange(object, { offset, length });
    return { object, bytes: nothing() };
  }
  try {
    // Not spread: the SDK's answer keeps these behind getters.
    const { contentType, metadata } = response;
    const object = identify({ contentType, metadata, size: sizeOf(response) });
    const { end } = resolveRange(object, { offset, length });
    return { object, bytes: bytesOf(source, response, offset, end) };
  } catch (error) {
    destroy(response);
    throw error;
  }
}

interface Source {
  readonly blob: BlobClient;
  readonly name: ObjectName;
  readonly options: TracedOptions & { readonly abortSignal: AbortSignal };
}

/**
 * Asks for bytes from `at` on; undefined when there are none.
 *
 * @param version the only version to read, as Azure names it.
 */
async function download(
  { blob, name, options }: Source,
  at: number,
  count: number | undefined,
  version?: string,
): Promise<BlobDownloadResponseParsed | undefined> {
  const conditions = version === undefined ? {} : { ifMatch: version };
  try {
    const response = await blob.download(at, count, { ...options, conditions, maxRetryRequests: 0 });
    // It may break off before anybody reads it, which without a listener would end the process.
    response.readableStreamBody?.on("error", () => undefined);
    return response;
  } catch (error) {
    if (answered(error, 416)) return undefined;
    if (answered(error, 404)) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
    if (answered(error, 412)) throw new DomainError("ETAG_MISMATCH", { resource: name });
    throw error;
  }
}

/**
 * Bytes `start` to `end`. The SDK does not take up again a download whose connection was reset, so this does, with the
 * version it began with.
 */
async function* bytesOf(
  source: Source,
  first: BlobDownloadResponseParsed,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let response: BlobDownloadResponseParsed | undefined = first;
  let at = start;
  for (let failures = 0; at < end; failures++) {
    try {
      response ??= await download(source, at, end - at, first.etag);
      for await (const chunk of response?.readableStreamBody ?? []) {
        if (!Buffer.isBuffer(chunk)) throw new TypeError("The SDK's stream was not one of bytes");
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (at < end) throw new Error(`The download ended ${end - at} bytes early`);
    } catch (error) {
      if (failures === RESUMPTIONS || isDomainError(error) || source.options.abortSignal.aborted)
        throw asDomainError(error);
      response = undefined;
    }
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  // A range of no bytes.
}

function destroy({ readableStreamBody }: BlobDownloadResponseParsed): void {
  if (readableStreamBody instanceof Readable) readableStreamBody.destroy();
}

/** The whole blob's size: what follows the slash where the answer is a part. */
function sizeOf({ contentRange, contentLength }: BlobDownloadResponseParsed): number | undefined {
  const total = /\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return total === undefined ? contentLength : Number(total);
}
