import { createHash } from "node:crypto";
import { pack } from "./record.js";
import { leavesAt, parsePath } from "./path.js";
import { UnsupportedError } from "./errors.js";
import { rank, type Fields, type Value } from "./value.js";
import type { Direction } from "./collection.js";

/** Stands in an index where a path leads through an array to no value at all; sorts before null, as in MongoDB. */
export const EMPTY = Symbol("empty");
export type KeyPart = Value | typeof EMPTY;

/** What of a long string or long bytes a key holds before a digest takes the rest's place. */
const MAX_PART_BYTES = 240;

const END = 0;
const CUT = 1;
const NUL = 0xff;

/** One path of an index. */
export interface IndexPart {
  readonly path: string;
  readonly fields: readonly string[];
  readonly direction: Direction;
}

/**
 * Encodes so that comparing bytes compares values in BSON's order, and no part is a prefix of another.
 *
 * @param stem without what tells apart long values that begin alike: where a range of them begins or ends.
 */
export function encodePart(part: KeyPart, direction: Direction, stem = false): Buffer {
  const bytes = encodeAscending(part, stem);
  return direction === 1 ? bytes : inverted(bytes);
}

/** @returns the bytes every part of that BSON type begins with. */
export function typePrefix(part: Value, direction: Direction): Buffer {
  const bytes = Buffer.of(typeByte(part));
  return direction === 1 ? bytes : inverted(bytes);
}

/** @returns the least key above all that begin with `prefix`, or undefined where there is none. */
export function successor(prefix: Uint8Array): Buffer | undefined {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0;
    if (byte < 0xff) {
      end[at] = byte + 1;
      return end.subarray(0, at + 1);
    }
  }
  return undefined;
}

function typeByte(part: KeyPart): number {
  return part === EMPTY ? 0x08 : rank(part) << 4;
}

function encodeAscending(part: KeyPart, stem: boolean): Buffer {
  const type = typeByte(part);
  if (part === EMPTY || part === null) return Buffer.of(type);
  if (typeof part === "number") return numberPart(type, part);
  if (part instanceof Date) return numberPart(type, part.getTime());
  if (typeof part === "boolean") return Buffer.of(type, part ? 1 : 0);
  if (typeof part === "string") return bytesPart(Buffer.of(type), Buffer.from(part), stem);
  if (part instanceof Uint8Array) {
    const head = Buffer.of(type, 0, 0, 0, 0);
    head.writeUInt32BE(part.length, 1);
    return bytesPart(head, part, stem);
  }
  return Buffer.concat([Buffer.of(type), digest(pack(part))]);
}

function numberPart(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(9, type);
  bytes.writeDoubleBE(value, 1);
  if (value < 0) bytes.forEach((byte, at) => at > 0 && (bytes[at] = ~byte));
  else bytes[1] = (bytes[1] ?? 0) | 0x80;
  return bytes;
}

function bytesPart(head: Buffer, bytes: Uint8Array, stem: boolean): Buffer {
  const { kept, whole } = escaped(bytes);
  if (whole) return Buffer.concat([head, kept, Buffer.of(END, END)]);
  return stem ? Buffer.concat([head, kept]) : Buffer.concat([head, kept, Buffer.of(END, CUT), digest(bytes)]);
}

function escaped(bytes: Uint8Array): { kept: Uint8Array; whole: boolean } {
  const start = bytes.subarray(0, MAX_PART_BYTES);
  if (!start.includes(0)) return { kept: start, whole: start.length === bytes.length };
  const kept: number[] = [];
  let at = 0;
  for (; at < bytes.length && kept.length < MAX_PART_BYTES; at++) {
    kept.push(bytes[at] ?? 0);
    if (bytes[at] === 0) kept.push(NUL);
  }
  return { kept: Buffer.from(kept), whole: at === bytes.length };
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function inverted(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => ~byte));
}

/** @returns the paths of an index or a sort, in order. @throws UnsupportedError */
export function parseParts(keys: Readonly<Record<string, unknown>>, where: string): readonly IndexPart[] {
  return Object.entries(keys).map(([path, direction]) => {
    if (direction !== 1 && direction !== -1) throw new UnsupportedError(where, `"${path}" takes 1 or -1.`);
    return { path, fields: parsePath(path), direction };
  });
}

/** @returns the parts a document has at a path: one, or one for each element of an array. */
function partsAt(document: Fields, fields: readonly string[]): { parts: readonly KeyPart[]; spread: boolean } {
  const { values, spread } = leavesAt(document, fields);
  return { parts: values.length === 0 ? [EMPTY] : values.map((value) => value ?? null), spread };
}

export interface DocumentKeys {
  /** Without duplicates; more than one only where a path leads through an array. */
  readonly keys: readonly Buffer[];
  /** The paths that led through an array. */
  readonly spread: readonly string[];
}

/** @throws UnsupportedError where two paths lead through arrays. */
export function documentKeys(document: Fields, index: readonly IndexPart[]): DocumentKeys {
  const spread: string[] = [];
  let keys: Buffer[] = [Buffer.alloc(0)];
  for (const { path, fields, direction } of index) {
    const found = partsAt(document, fields);
    if (found.spread) spread.push(path);
    const encoded = distinct(found.parts.map((part) => encodePart(part, direction)));
    keys = keys.flatMap((key) => encoded.map((part) => Buffer.concat([key, part])));
  }
  if (spread.length > 1) throw new UnsupportedError("index", `"${spread.join('" and "')}" both hold arrays.`);
  return { keys, spread };
}

/** @returns bytes that order documents by `sort`: an array counts as its least element ascending, its greatest descending. */
export function sortKey(document: Fields, sort: readonly IndexPart[]): Buffer {
  const parts = sort.map(({ fields, direction }) => {
    const encoded = partsAt(document, fields).parts.map((part) => encodePart(part, direction));
    return encoded.reduce((least, part) => (Buffer.compare(part, least) < 0 ? part : least));
  });
  return Buffer.concat(parts);
}

export function distinct(keys: readonly Buffer[]): Buffer[] {
  if (keys.length < 2) return [...keys];
  const sorted = [...keys].sort((one, other) => Buffer.compare(one, other));
  return sorted.filter((key, at) => at === 0 || !key.equals(sorted[at - 1] ?? Buffer.alloc(0)));
}
