import { DomainError } from "@reelmesh/mesh/errors.js";
import { blockAt, RECORD_BYTES, type Block } from "./block.js";
import type { StoredObject } from "./object-store.js";

/** A run of bytes within one block. */
export interface Slice {
  readonly block: Block;
  /** The first byte, counted within the block. */
  readonly from: number;
  readonly length: number;
}

/**
 * Where a range of an object starts and ends, the end exclusive and never beyond the object's.
 *
 * @throws DomainError RANGE_NOT_SATISFIABLE when no byte is at `offset`, unless that is 0.
 */
export function resolveRange(
  { name, size }: Pick<StoredObject, "name" | "size">,
  { offset, length }: { readonly offset: number; readonly length?: number | undefined },
): { start: number; end: number } {
  if (offset > 0 && offset >= size) throw notSatisfiable(name, size);
  return { start: offset, end: length === undefined ? size : Math.min(size, offset + length) };
}

export function notSatisfiable(name: string, size: number): DomainError {
  return new DomainError("RANGE_NOT_SATISFIABLE", { resource: name, size_bytes: String(size) });
}

/** The slices of blocks that bytes `start` to `end` of an object lie in, given its blocks' records in order. */
export function* slicesOf(records: Buffer, start: number, end: number): Generator<Slice> {
  let blockStart = 0;
  for (let at = 0; at < records.length && blockStart < end; at += RECORD_BYTES) {
    const size = records.readUInt32BE(at + 8);
    const from = Math.max(start - blockStart, 0);
    const to = Math.min(end - blockStart, size);
    if (from < to) yield { block: blockAt(records, at), from, length: to - from };
    blockStart += size;
  }
}
