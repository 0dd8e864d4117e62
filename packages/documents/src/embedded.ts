import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Documents, IndexDefinition, StoredDocument } from "./collection.js";
import { EmbeddedCollection, type Folder } from "./embedded-collection.js";
import { EmbeddedStore, spreadMark, type StoredIndex } from "./embedded-store.js";
import { StoreUnavailableError, UnsupportedError } from "./errors.js";
import { Lmdb, type Entries } from "./lmdb.js";
import { lockFolder } from "./lock.js";
import { assertCollectionName } from "./name.js";
import { parseIndexes, PRIMARY } from "./planner.js";
import { Writer } from "./writer.js";

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
    return new EmbeddedFolder(path, folder, await Lmdb.open(path), unlock);
  } catch (error) {
    unlock();
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreUnavailableError(`${folder} cannot be opened: ${reason}`, { cause: error });
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
    private readonly lmdb: Lmdb,
    private readonly unlock: () => void,
  ) {
    this.#writer = new Writer(lmdb);
    this.#meta = lmdb.entries("meta");
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
    this.#writer.assertUsable();
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
    await this.lmdb.close();
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
      const entries = this.lmdb.entries(`${name}/${index.name}`);
      return { ...index, entries, spread: this.#spreadOf(name, index) };
    });
    const store = new EmbeddedStore(name, this.folder, indexes, this.#meta, this.lmdb);
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
    const dropped = stale.map((name) => this.lmdb.entries(`${store.name}/${name}`));
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
