/** A run of an object's bytes as it was staged. */
export interface Block {
  /** `ffffffff-iiiiiiii`: the writer's fence and the block's number, each as 8 lower-case hexadecimal digits. */
  readonly id: string;
  /** 1 to {@link MAX_BLOCK_BYTES}. */
  readonly size: number;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
}

export const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
/** How many blocks an object may have, on Azure and so everywhere. */
export const MAX_BLOCKS = 50_000;
/** How long staged blocks live that nobody commits, counted from the last one: Azure's week. */
export const STAGED_LIFE_MS = 7 * 24 * 3_600_000;

/** The length of {@link blockRecord}. */
export const RECORD_BYTES = 44;

const BLOCK_ID = /^[0-9a-f]{8}-[0-9a-f]{8}$/;

export function isBlockId(text: string): boolean {
  return BLOCK_ID.test(text);
}

/** The fence in a block's id. */
export function fenceOf(id: string): number {
  return Number.parseInt(id.slice(0, 8), 16);
}

/**
 * A block in 44 bytes: fence, number and size as big-endian 32-bit integers, then its digest. Both stores know a block
 * by its record, so that only the very bytes a committer means can become part of an object.
 */
export function blockRecord(block: Block): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.write(block.id.replace("-", ""), 0, "hex");
  record.writeUInt32BE(block.size, 8);
  record.set(block.sha256, 12);
  return record;
}

/** All blocks of records that lie one after the other. */
export function blocksOf(records: Buffer): readonly Block[] {
  return Array.from({ length: records.length / RECORD_BYTES }, (_, index) => blockAt(records, index * RECORD_BYTES));
}

/** The block whose record starts at `at`. */
export function blockAt(records: Buffer, at: number): Block {
  const id = `${records.toString("hex", at, at + 4)}-${records.toString("hex", at + 4, at + 8)}`;
  return { id, size: records.readUInt32BE(at + 8), sha256: records.subarray(at + 12, at + RECORD_BYTES) };
}
