import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Slice } from "../range.js";
import { damaged, failedWith } from "./failure.js";
import { blockFile } from "./layout.js";

const CHUNK_BYTES = 256 * 1024;

/** An object's name, and the folder that holds its blocks. */
export interface StoredIn {
  readonly name: string;
  readonly folder: string;
}

/** A block's file is not there. */
export class BlockMissing extends Error {
  override readonly name = "BlockMissing";
}

/**
 * Reads slices of blocks one after the other, one chunk ahead of its reader, so that disk and network overlap. A chunk
 * is valid until the next is asked for: two buffers take turns, since one for each chunk makes the garbage collector
 * work harder than the disk.
 *
 * @param object its name, and the folder it is in.
 * @throws BlockMissing; DomainError OBJECT_DAMAGED when a block has not the length it was written with.
 */
export async function* readSlices(object: StoredIn, slices: Iterable<Slice>): AsyncGenerator<Buffer> {
  const chunks = readChunks(object, slices);
  let ahead = chunks.next();
  try {
    for (;;) {
      const chunk = await ahead;
      if (chunk.done) return;
      ahead = chunks.next();
      // Should it fail while the reader is busy, the next turn tells.
      ahead.catch(() => undefined);
      yield chunk.value;
    }
  } finally {
    await chunks.return(undefined);
  }
}

async function* readChunks({ name, folder }: StoredIn, slices: Iterable<Slice>): AsyncGenerator<Buffer, undefined> {
  const nextBuffer = takeTurns();
  for (const { block, from, length } of slices) {
    const file = await openBlock(join(folder, blockFile(block)));
    try {
      const { size } = await file.stat();
      if (size !== block.size) throw damaged(name, `block ${block.id} has ${size} of its ${block.size} bytes`);
      for (let at = from; at < from + length; at += CHUNK_BYTES)
        yield await readFully(name, file, at, nextBuffer(Math.min(CHUNK_BYTES, from + length - at)));
    } finally {
      await file.close();
    }
  }
  return undefined;
}

async function openBlock(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw failedWith(error, "ENOENT") ? new BlockMissing(path, { cause: error }) : error;
  }
}

/** Two buffers in turn, cut to the length asked for. */
function takeTurns(): (length: number) => Buffer {
  let [next, other] = [Buffer.alloc(0), Buffer.alloc(0)];
  return (length) => {
    const mine = next.length < length ? Buffer.allocUnsafeSlow(length) : next;
    [next, other] = [other, mine];
    return mine.subarray(0, length);
  };
}

/**
 * Fills `bytes` from `position` on.
 *
 * @throws DomainError OBJECT_DAMAGED
 */
async function readFully(name: string, file: FileHandle, position: number, bytes: Buffer): Promise<Buffer> {
  for (let have = 0; have < bytes.length;) {
    const { bytesRead } = await file.read(bytes, have, bytes.length - have, position + have);
    if (bytesRead === 0) throw damaged(name, "a block became shorter while it was read");
    have += bytesRead;
  }
  return bytes;
}
