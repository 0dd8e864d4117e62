import { crc32 } from "node:zlib";
import { Packr } from "msgpackr";
import { UnsupportedError } from "./errors.js";
import { asStored } from "./typed.js";
import type { Fields } from "./value.js";

/** A record: one byte of format, CRC-32 of key and body (big endian), body as MessagePack. */
const FORMAT = 1;
const HEAD_BYTES = 5;
/** MongoDB's limit. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const packr = new Packr({ useRecords: false, mapsAsObjects: true, copyBuffers: true });

/** @returns the bytes of a value alone; equal values in the same order of fields give equal bytes. */
export function pack(value: unknown): Buffer {
  return packr.pack(value);
}

/** @throws UnsupportedError for a document above 16 MiB. */
export function encodeRecord(key: Uint8Array, document: Fields): Buffer {
  const body = pack(document);
  if (body.length > MAX_BODY_BYTES) throw new UnsupportedError("value", "a document takes more than 16 MiB.");
  const head = Buffer.alloc(HEAD_BYTES, FORMAT);
  head.writeUInt32BE(crc32(body, crc32(key)), 1);
  return Buffer.concat([head, body]);
}

/** @returns the document, or what is wrong with the record. */
export function decodeRecord(key: Uint8Array, record: Buffer): Fields | string {
  if (record.length <= HEAD_BYTES || record[0] !== FORMAT) return "its format is unknown";
  const body = record.subarray(HEAD_BYTES);
  if (crc32(body, crc32(key)) !== record.readUInt32BE(1)) return "it does not match its checksum";
  return asStored(packr.unpack(body));
}
