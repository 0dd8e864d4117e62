import { createHash } from "node:crypto";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type {
  Block as BlockMessage,
  CommitBlocksRequest,
  ReadObjectRequest,
  StageBlockRequest,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { fenceOf, isBlockId, MAX_BLOCK_BYTES, MAX_BLOCKS, type Block } from "./block.js";
import type { Commit, Precondition } from "./commit.js";
import type { ReadRange } from "./object-store.js";

const SHA256_BYTES = 32;
const DEFAULT_CONTENT_TYPE = "application/octet-stream";
const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** RFC 9110, section 8.3.1. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = `[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*")`;
const CONTENT_TYPE = new RegExp(`^(?=.{1,127}$)${TOKEN}/${TOKEN}(?:${PARAMETER})*$`);

/**
 * The block that a request stages, its digest computed from the bytes.
 *
 * @param fence the one that the block's id must bear. Absent: any.
 * @throws DomainError INVALID_FIELD, CHECKSUM_MISMATCH
 */
export function parseStagedBlock({ blockId, data, sha256, object }: StageBlockRequest, fence?: number): Block {
  assertBlockId("block_id", blockId, fence);
  if (data.length < 1 || data.length > MAX_BLOCK_BYTES)
    throw invalid("data", `must be 1 to ${MAX_BLOCK_BYTES} bytes, not ${data.length}`);
  if (sha256.length > 0) assertDigest("sha256", sha256);
  const digest = createHash("sha256").update(data).digest();
  if (sha256.length > 0 && !digest.equals(sha256)) throw new DomainError("CHECKSUM_MISMATCH", { resource: object });
  return { id: blockId, size: data.length, sha256: digest };
}

/** @throws DomainError INVALID_FIELD */
export function parseCommit({ blocks, contentType, precondition }: CommitBlocksRequest, fence?: number): Commit {
  if (blocks.length > MAX_BLOCKS) throw invalid("blocks", `must be at most ${MAX_BLOCKS}, not ${blocks.length}`);
  if (contentType !== "" && !CONTENT_TYPE.test(contentType))
    throw invalid("content_type", "must be a media type of at most 127 characters, such as `video/mp4`");
  return {
    blocks: blocks.map((block, index) => parseBlock(`blocks[${index}]`, block, fence)),
    contentType: contentType || DEFAULT_CONTENT_TYPE,
    precondition: parsePrecondition(precondition),
  };
}

/** @throws DomainError INVALID_FIELD */
export function parseRange({ offset, length, ifMatch }: ReadObjectRequest): ReadRange {
  if (offset < 0n) throw invalid("offset", "must not be negative");
  if (length !== undefined && length < 0n) throw invalid("length", "must not be negative");
  return {
    offset: clamp(offset),
    length: length === undefined ? undefined : clamp(length),
    ifMatch: ifMatch || undefined,
  };
}

/** Beyond any object's size, yet exact as a number, and so is twice as much. */
const BEYOND = 2n ** 52n;

function clamp(value: bigint): number {
  return Number(value < BEYOND ? value : BEYOND);
}

/** @throws DomainError INVALID_FIELD */
export function parsePageSize(pageSize: number): number {
  if (pageSize < 0) throw invalid("page_size", "must not be negative");
  return Math.min(pageSize || DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
}

function parseBlock(field: string, { id, sha256, sizeBytes }: BlockMessage, fence?: number): Block {
  assertBlockId(`${field}.id`, id, fence);
  assertDigest(`${field}.sha256`, sha256);
  if (sizeBytes < 1n || sizeBytes > BigInt(MAX_BLOCK_BYTES))
    throw invalid(`${field}.size_bytes`, `must be 1 to ${MAX_BLOCK_BYTES}`);
  return { id, sha256, size: Number(sizeBytes) };
}

function parsePrecondition(given: CommitBlocksRequest["precondition"]): Precondition | undefined {
  switch (given?.$case) {
    case "createOnly":
      return given.value ? { kind: "create only" } : undefined;
    case "ifMatch":
      if (given.value === "") throw invalid("if_match", "must not be empty");
      return { kind: "if match", etag: given.value };
    case undefined:
      return undefined;
  }
}

function assertBlockId(field: string, id: string, fence: number | undefined): void {
  if (!isBlockId(id)) throw invalid(field, "must be 8 lower-case hexadecimal digits, a dash, and 8 more");
  if (fence !== undefined && fenceOf(id) !== fence) throw invalid(field, "bears another fence than the capability");
}

function assertDigest(field: string, digest: Uint8Array): void {
  if (digest.length !== SHA256_BYTES) throw invalid(field, `must be ${SHA256_BYTES} bytes, not ${digest.length}`);
}

function invalid(field: string, problem: string): DomainError {
  return new DomainError("INVALID_FIELD", { field, problem });
}
