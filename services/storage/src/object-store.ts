import type { TraceContext } from "@reelmesh/mesh/observe/trace.js";
import type { Sweep } from "@reelmesh/mesh/sweep.js";
import type { Block } from "./block.js";
import type { Commit } from "./commit.js";
import type { ObjectName, Prefix } from "./names.js";

/** A committed object, without its bytes. */
export interface StoredObject {
  readonly name: ObjectName;
  /** In bytes. */
  readonly size: number;
  /** Names this version: derived from its blocks and type, so that the same commit has the same etag anywhere. */
  readonly etag: string;
  readonly contentType: string;
  /** SHA-256 over the blocks' SHA-256 digests in order, 32 bytes. */
  readonly composite: Uint8Array;
  readonly createTime: Date;
}

/** Which of an object's bytes to read. */
export interface ReadRange {
  /** The first byte, from 0. */
  readonly offset: number;
  /** How many bytes at most. Absent: to the end. */
  readonly length?: number | undefined;
  /** Read only the version of this etag. */
  readonly ifMatch?: string | undefined;
}

/** An object opened for reading. */
export interface OpenObject {
  readonly object: StoredObject;
  /**
   * The bytes, read as they are asked for, in pieces of at most 256 KiB, each valid until the next is asked for. Ends
   * only after the last byte of the range. Leaving the loop frees everything. Throws OBJECT_DAMAGED, STORE_UNAVAILABLE, and where the object was replaced or
   * deleted meanwhile and the rest is gone, ETAG_MISMATCH or RESOURCE_NOT_FOUND.
   */
  readonly bytes: AsyncIterable<Buffer>;
}

/** A page of a list. */
export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** Where the next page starts, for the store alone to read. Absent: there is none. */
  readonly next?: string;
}

/**
 * Keeps objects. Every method throws DomainError STORE_UNAVAILABLE when the store does not answer, with the cause for
 * the log, and those that write NO_SPACE when it is full.
 */
export interface ObjectStore {
  /**
   * Keeps a block, whose size and digest must be those of `data`, for an object to be made of. Resolves when it would
   * survive a loss of power. It is known by its whole record: two with one id and different bytes are two blocks.
   */
  stage(name: ObjectName, block: Block, data: Buffer): Promise<void>;
  /**
   * Makes an object of blocks that are staged or part of the object as it is, and forgets all others. The same commit
   * repeated changes nothing and returns the object. Throws BLOCK_NOT_STAGED, OBJECT_EXISTS, ETAG_MISMATCH.
   */
  commit(name: ObjectName, commit: Commit): Promise<StoredObject>;
  /** Forgets what is staged and not committed. */
  discard(name: ObjectName): Promise<void>;
  /** Throws RESOURCE_NOT_FOUND, ETAG_MISMATCH, RANGE_NOT_SATISFIABLE, OBJECT_DAMAGED. */
  open(name: ObjectName, range: ReadRange, signal: AbortSignal): Promise<OpenObject>;
  /** Throws RESOURCE_NOT_FOUND, OBJECT_DAMAGED. */
  get(name: ObjectName): Promise<StoredObject>;
  /** The same with the blocks that it is made of, in the order of its bytes. Throws as `get` does. */
  describe(name: ObjectName): Promise<{ readonly object: StoredObject; readonly blocks: readonly Block[] }>;
  /** Deletes an object and what is staged for it, if there is any. */
  delete(name: ObjectName): Promise<void>;
  /** Lists committed objects in the order of their names' bytes, at most `limit` on a page and possibly fewer. */
  list(prefix: Prefix, page: { readonly limit: number; readonly from?: string | undefined }): Promise<ObjectPage>;
  /** The same store for work of a trace, which goes on in what the store asks of others. */
  within(trace: TraceContext | undefined): ObjectStore;
  /** Throws while the store could not do its work. */
  check(): Promise<void>;
  /** What has to be removed in time that the store behind does not remove by itself. */
  readonly sweeps: readonly Sweep[];
  close(): Promise<void>;
}
