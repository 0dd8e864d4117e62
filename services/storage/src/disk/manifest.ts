import { crc32 } from "node:zlib";
import { RECORD_BYTES } from "../block.js";
import { etagOf, type DraftObject } from "../commit.js";
import type { ObjectName } from "../names.js";
import type { StoredObject } from "../object-store.js";
import { damaged } from "./failure.js";

/*
 * A manifest says what an object is made of: a line with the CRC-32 of the JSON after it, as 8 hexadecimal digits, and
 * the JSON; then the blocks' records in order. The line suffices to list objects; it bears the etag, a digest over the
 * records.
 */

/** No manifest's first line is longer. */
export const HEADER_BYTES = 1024;

interface Header {
  readonly size: number;
  readonly etag: string;
  readonly contentType: string;
  /** Hexadecimal. */
  readonly composite: string;
  /** Milliseconds since the epoch. */
  readonly createTime: number;
  /** How many blocks. */
  readonly blocks: number;
}

export function encodeManifest({ object, records }: DraftObject): Buffer {
  const header: Header = {
    size: object.size,
    etag: object.etag,
    contentType: object.contentType,
    composite: Buffer.from(object.composite).toString("hex"),
    createTime: object.createTime.getTime(),
    blocks: records.length / RECORD_BYTES,
  };
  const json = JSON.stringify(header);
  return Buffer.concat([Buffer.from(`${checksum(json)} ${json}\n`), records]);
}

/**
 * Reads a whole manifest.
 *
 * @throws DomainError OBJECT_DAMAGED
 */
export function decodeManifest(name: ObjectName, bytes: Buffer): DraftObject {
  const { header, length } = readHeader(name, bytes);
  const records = bytes.subarray(length);
  if (records.length !== header.blocks * RECORD_BYTES || etagOf(records, header.contentType) !== header.etag)
    throw damaged(name, "its list of blocks is not what was written");
  return { object: toObject(name, header), records };
}

/**
 * Reads an object out of the first {@link HEADER_BYTES} of a manifest.
 *
 * @throws DomainError OBJECT_DAMAGED
 */
export function decodeObject(name: ObjectName, start: Buffer): StoredObject {
  return toObject(name, readHeader(name, start).header);
}

function readHeader(name: ObjectName, bytes: Buffer): { header: Header; length: number } {
  const end = bytes.subarray(0, HEADER_BYTES).indexOf("\n");
  const line = bytes.toString("utf8", 0, Math.max(end, 0));
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${checksum(json)} `) throw damaged(name, "its manifest is not what was written");
  const header: unknown = JSON.parse(json);
  if (!isHeader(header)) throw damaged(name, "its manifest is of another version of Reelmesh");
  return { header, length: end + 1 };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const entries = new Map(Object.entries(value));
  const are = (type: "number" | "string", ...keys: string[]) => keys.every((key) => typeof entries.get(key) === type);
  return are("number", "size", "createTime", "blocks") && are("string", "etag", "contentType", "composite");
}

function toObject(name: ObjectName, { size, etag, contentType, composite, createTime }: Header): StoredObject {
  const digest = Buffer.from(composite, "hex");
  return { name, size, etag, contentType, composite: digest, createTime: new Date(createTime) };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
