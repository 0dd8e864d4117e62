import { access, constants, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import type { Documents, IndexDefinition, StoredDocument } from "./collection.js";
import { EmbeddedCollection, type Folder } from "./embedded-collection.js";
import { EmbeddedStore, spreadMark, type StoredIndex } from "./embedded-store.js";
import { StoreUnavailableError, UnsupportedError } from "./errors.js";
import { lockFolder } from "./lock.js";
import { assertCollectionName } from "./name.js";
import { parseIndexes, PRIMARY } from "./planner.js";
import type { Entries } from "./scan.js";
import { Writer } from "./writer.js";

const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;
/** Collections and their indexes; each costs a few bytes a transaction. */
const MAX_DATABASES = 512;
/** Address space, not memory or disk; lmdb maps more when the data outgrow it. */
const MAP_BYTES = 2 ** 30;

/** Where lmdb's first page holds its magic number. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const META_BYTES = 28;

export interface EmbeddedDocuments extends Documents {
  collection<T extends StoredDocument>(
    name: string,
    options?: { readonly indexes?: readonly IndexDefinition[] },
  ): Promise<EmbeddedCollection<T>>;
}

/** Opens the store in `folder`, made where missing. @throws FolderInUseError, StoreUnavailableError */
export async function openEmbedded(folder: string): Promise<EmbeddedDocuments> {
  const unlock = lockFolder(folder);
  try {
    const path = join(folder, "documents.mdb");
    await assertDataFile(path);
    const root = open<Buffer, Buffer>({
      ...BINARY,
      path,
      maxDbs: MAX_DATABASES,
      mapSize: MAP_BYTES,
      // A write resolves once it is on disk, and nothing that is not can be read.
      overlappingSync: false,
    });
    return new EmbeddedFolder(path, folder, root, unlock);
  } catch (error) {
    unlock();
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreUnavailableError(`${folder} cannot be opened: ${reason}`, { cause: error });
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

class EmbeddedFolder implements EmbeddedDocuments, Folder {
  readonly #writer: Writer;
  readonly #meta: Entries;
  readonly #opened = new Map<string, { declared: string; store: Promise<EmbeddedStore> }>();
  readonly #active = new Set<Promise<unknown>>();
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly folder: string,
    private readonly root: RootDatabase<Buffer, Buffer>,
    private readonly unlock: () => void,
  ) {
    this.#writer = new Writer(root);
    this.#meta = root.openDB("meta", BINARY);
  }

  async collection<T extends StoredDocument>(
    name: string,
    options: { readonly indexes?: readonly IndexDefinition[] } = {},
  ): Promise<EmbeddedCollection<T>> {
    assertCollectionName(name);
    const indexes = parseIndexes(options.indexes ?? []);
    const declared = JSON.stringify(indexes.map(({ name: index, unique }) => [index, unique]).sort());
    let opened = this.#opened.get(name);
    if (opened === undefined) {
      opened = { declared, store: this.#openStore(name, indexes) };
      this.#opened.set(name, opened);
      opened.store.catch(() => this.#opened.delete(name));
    }
    if (opened.declared !== declared)
      throw new UnsupportedError("index", `"${name}" is already open with other indexes.`);
    return new EmbeddedCollection<T>(await opened.store, this);
  }

  async ping(): Promise<void> {
    this.#assertOpen();
    try {
      await access(this.path, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new StoreUnavailableError(`${this.path} is gone or may not be written.`, { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#opened.values()].map(({ store }) => store));
    await this.#quiet();
    await this.root.close();
    this.unlock();
  }

  async write<R>(write: () => R): Promise<R> {
    this.#assertOpen();
    return this.#tracked(this.#writer.write(write));
  }

  async read<R>(read: () => Promise<R>): Promise<R> {
    this.#assertOpen();
    return this.#tracked(read());
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreUnavailableError(`${this.folder} has been closed.`);
  }

  async #tracked<R>(operation: Promise<R>): Promise<R> {
    this.#active.add(operation);
    try {
      return await operation;
    } finally {
      this.#active.delete(operation);
    }
  }

  /** Waits until nothing reads or writes. What follows at once, without waiting again, is alone. */
  async #quiet(): Promise<void> {
    while (this.#active.size > 0 || this.#writer.busy) {
      await Promise.allSettled(this.#active);
      await this.#writer.idle();
    }
  }

  async #openStore(name: string, declared: ReturnType<typeof parseIndexes>): Promise<EmbeddedStore> {
    // lmdb ends its shared read transaction when it opens a database.
    await this.#quiet();
    this.#assertOpen();
    const indexes = declared.map((index): StoredIndex => {
      const entries = this.root.openDB<Buffer, Buffer>(`${name}/${index.name}`, BINARY);
      return { ...index, entries, spread: this.#spreadOf(name, index) };
    });
    const store = new EmbeddedStore(name, this.folder, indexes, this.#meta, this.root);
    await this.#reconcile(store);
    return store;
  }

  #spreadOf(collection: string, index: { name: string; parts: StoredIndex["parts"] }): Set<string> {
    const spread = index.parts.filter(({ path }) =>
      this.#meta.doesExist(Buffer.from(spreadMark(collection, index.name, path))),
    );
    return new Set(spread.map(({ path }) => path));
  }

  /** Drops the indexes that are no longer declared and builds the new ones; one half built is begun again. */
  async #reconcile(store: EmbeddedStore): Promise<void> {
    const built = this.#builtIndexes(store.name);
    const secondary = store.indexes.filter(({ name }) => name !== PRIMARY);
    const stale = [...built.keys()].filter((name) => !secondary.some((index) => index.name === name));
    const dropped = stale.map((name) => this.root.openDB<Buffer, Buffer>(`${store.name}/${name}`, BINARY));
    await this.#writer.write(() => {
      for (const entries of dropped) entries.clearSync();
      for (const name of stale) void this.#meta.remove(Buffer.from(built.get(name) ?? ""));
    });
    for (const index of secondary) {
      if (built.get(index.name) !== builtMark(store.name, index)) await this.#build(store, index);
    }
  }

  /** @returns by name: the mark of each index that is complete. */
  #builtIndexes(collection: string): Map<string, string> {
    const start = `built/${collection}/`;
    const range = this.#meta.getKeys({ start: Buffer.from(start), end: Buffer.from(`built/${collection}0`) });
    return new Map(Array.from(range, String).map((mark) => [mark.slice(start.length, mark.lastIndexOf("/")), mark]));
  }

  async #build(store: EmbeddedStore, index: StoredIndex): Promise<void> {
    await this.#writer.write(() => {
      index.entries.clearSync();
    });
    let next: Buffer | undefined;
    do next = await this.#writer.write(() => store.buildStep(index, next));
    while (next !== undefined);
    await this.#writer.write(() => {
      void this.#meta.put(Buffer.from(builtMark(store.name, index)), Buffer.alloc(0));
    });
  }
}

function builtMark(collection: string, { name, unique }: { name: string; unique: boolean }): string {
  return `built/${collection}/${name}/${unique ? "unique" : "plain"}`;
}
