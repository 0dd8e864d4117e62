import { open as openFile } from "node:fs/promises";
import { open, type Database, type RootDatabase, type Transaction } from "lmdb";
import { StoreUnavailableError } from "./errors.js";
import type { Transactions } from "./writer.js";

/** Keys and values as bytes, in the order of their keys. */
export type Entries = Database<Buffer, Buffer>;

const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;
/** Collections and their indexes; each costs a few bytes a transaction. */
const MAX_DATABASES = 512;
/** Address space, not memory or disk; lmdb maps more when the data outgrow it. */
const MAP_BYTES = 2 ** 30;
/** Where the first page holds lmdb's magic number. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const META_BYTES = 28;

/** One lmdb environment, and what has to be known of lmdb-js to use it safely. */
export class Lmdb implements Transactions {
  readonly #root: RootDatabase<Buffer, Buffer>;
  #snapshots = 0;

  private constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root;
  }

  /** @throws an error with the reason where the file cannot be opened or is not lmdb's. */
  static async open(path: string): Promise<Lmdb> {
    await assertDataFile(path);
    const root = open<Buffer, Buffer>({
      ...BINARY,
      path,
      maxDbs: MAX_DATABASES,
      mapSize: MAP_BYTES,
      // A transaction resolves once it is on disk, and nothing that is not can be read.
      overlappingSync: false,
      // The Writer makes the batches; lmdb-js's own would reject a promise that nobody holds when a disk is full.
      eventTurnBatching: false,
    });
    return new Lmdb(root);
  }

  /** Ends lmdb's shared read transaction: nothing may be reading or writing. */
  entries(name: string): Entries {
    return this.#root.openDB<Buffer, Buffer>(name, BINARY);
  }

  childTransaction<R>(action: () => R): Promise<R> {
    return this.#root.childTransaction(action);
  }

  /** @throws StoreUnavailableError */
  beginRead(): { readonly transaction: Transaction; readonly done: () => void } {
    try {
      const transaction = this.#root.useReadTransaction();
      this.#snapshots++;
      const done = (): void => {
        this.#snapshots--;
        transaction.done();
      };
      return { transaction, done };
    } catch (error) {
      throw new StoreUnavailableError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /**
   * After its first page could not be written lmdb refuses everything until it is opened again, and lmdb-js would wait
   * for ever in the next write. A new read transaction tells; one that is still going on hides it.
   */
  usable(): boolean {
    if (this.#snapshots > 0) return false;
    try {
      this.#root.resetReadTxn();
      this.#root.useReadTransaction().done();
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

/** lmdb crashes the process over a file that is not its own. */
async function assertDataFile(path: string): Promise<void> {
  const file = await openFile(path, "a+");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(META_BYTES), 0, META_BYTES, 0);
    if (bytesRead > 0 && buffer.readUInt32LE(MAGIC_AT) !== MAGIC)
      throw new Error(`${path} does not begin as a store does; restore it from a backup.`);
  } finally {
    await file.close();
  }
}
