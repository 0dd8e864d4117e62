import { invalidField, text } from "@reelmesh/mesh/fields.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { CreateUploadRequest, RecordBlocksRequest } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { titleOf, type StagedBlock, type UploadVisibility } from "./upload.js";

/** What somebody wants to upload. */
export interface NewUpload {
  readonly sizeBytes: number;
  readonly filename: string;
  readonly contentType: string;
  readonly clientMetadata: string;
  readonly title: string;
  readonly visibility: UploadVisibility;
}

const VISIBILITIES: readonly UploadVisibility[] = ["PUBLIC", "UNLISTED", "MEMBERS", "PRIVATE"];
const LARGEST_BLOCK = 4n * 1024n * 1024n;
const MOST_AT_ONCE = 256;
const MOST_METADATA = 4096;

/**
 * What a request to upload says.
 *
 * @throws DomainError INVALID_FIELD; TOO_LARGE with the limit.
 */
export function readNewUpload(request: CreateUploadRequest, maxBytes: number): NewUpload {
  const { upload } = request;
  if (!upload) throw invalidField("upload", "must be given");
  if (upload.sizeBytes < 0n) throw invalidField("upload.size_bytes", "must not be negative");
  if (upload.sizeBytes > BigInt(maxBytes)) {
    throw new DomainError("TOO_LARGE", { resource: "This file", limit_bytes: String(maxBytes) });
  }
  const filename = text("upload.filename", upload.filename, { min: 0, max: 255 });
  const title = text("title", request.title, { min: 0, max: 200 });
  return {
    sizeBytes: Number(upload.sizeBytes),
    filename,
    contentType: readContentType(upload.contentType),
    clientMetadata: readMetadata(upload.clientMetadata),
    title: title === "" ? titleOf(filename) : title,
    visibility: readVisibility(request.visibility),
  };
}

/**
 * The blocks that a writer recorded.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readBlocks({ fence, blocks }: RecordBlocksRequest): StagedBlock[] {
  if (blocks.length === 0 || blocks.length > MOST_AT_ONCE) throw invalidField("blocks", `must be 1 to ${MOST_AT_ONCE}`);
  const ids = new RegExp(`^${fence.toString(16).padStart(8, "0")}-[0-9a-f]{8}$`);
  return blocks.map(({ id, sha256, sizeBytes }, index) => {
    if (!ids.test(id))
      throw invalidField(`blocks[${index}].id`, "must be this writer's fence and a number, 8 digits each");
    if (sha256.length !== 32) throw invalidField(`blocks[${index}].sha256`, "must have 32 bytes");
    if (sizeBytes < 1n || sizeBytes > LARGEST_BLOCK)
      throw invalidField(`blocks[${index}].size_bytes`, `must be 1 to ${LARGEST_BLOCK}`);
    return { id, sha256, sizeBytes: Number(sizeBytes) };
  });
}

/** Kept as it was given, so that only what no text may have is refused. */
function readMetadata(given: string): string {
  const field = "upload.client_metadata";
  if (Array.from(given).length > MOST_METADATA) throw invalidField(field, `has more than ${MOST_METADATA} characters`);
  if (/[\p{Cc}\uFFFD]/u.test(given)) throw invalidField(field, "must be valid UTF-8 without control characters");
  return given;
}

/** A media type as the uploader gave it (RFC 6838, section 4.2), without its parameters. */
function readContentType(given: string): string {
  const type = given.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "") return "application/octet-stream";
  if (type.length <= 127 && /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type)) return type;
  throw invalidField("upload.content_type", "must be a media type such as video/mp4");
}

function readVisibility(given: string): UploadVisibility {
  if (given === "") return "PRIVATE";
  const visibility = VISIBILITIES.find((candidate) => candidate === given);
  if (visibility) return visibility;
  throw invalidField("visibility", `must be one of ${VISIBILITIES.join(", ")}`);
}
