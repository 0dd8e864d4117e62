import type { Transaction } from "lmdb";
import { DamagedRecordError, DuplicateKeyError } from "./errors.js";
import type { Entries, Lmdb } from "./lmdb.js";
import { PRIMARY, type PlannedIndex } from "./planner.js";
import { decodeRecord, encodeRecord } from "./record.js";
import { entryKeys, idOfRecordKey, recordKeyOf, type Examined, type Source } from "./scan.js";
import { successor } from "./key.js";
import { assertId, type Fields } from "./value.js";

const RECORDS_PER_BUILD_STEP = 500;

/** A step of an index's repair. */
export interface RepairStep {
  /** Records looked at. */
  readonly examined: number;
  /** Entries added or removed. */
  readonly repaired: number;
  /** Where to go on; undefined after the last step. */
  readonly next: Buffer | undefined;
}

export interface StoredIndex extends PlannedIndex {
  readonly unique: boolean;
  readonly spread: Set<string>;
  readonly entries: Entries;
}

/**
 * The records and index entries of one collection. Writing happens inside a write of the folder's Writer, where record
 * and entries change together or not at all.
 */
export class EmbeddedStore {
  /** @param indexes the primary one, whose entries are the records, first. */
  constructor(
    readonly name: string,
    readonly folder: string,
    readonly indexes: readonly StoredIndex[],
    private readonly meta: Entries,
    private readonly lmdb: Lmdb,
  ) {}

  get #records(): Entries {
    const [primary] = this.indexes;
    if (primary === undefined) throw new Error("A collection has a primary index.");
    return primary.entries;
  }

  /** A view that does not change while it is read. End it by `done`. */
  snapshot(): Source & { done: () => void } {
    const { transaction, done } = this.lmdb.beginRead();
    return { ...this.#source(transaction), done };
  }

  /** What a write sees: all that earlier writes changed. */
  current(): Source {
    return this.#source(undefined);
  }

  #source(transaction: Transaction | undefined): Source {
    const examined: Examined = { entries: 0, documents: 0 };
    return {
      transaction,
      examined,
      entries: (name) => this.indexes.find((index) => index.name === name)?.entries ?? this.#records,
      document: (key, record = this.#record(key, transaction)) => this.#decode(key, record),
    };
  }

  #record(key: Buffer, transaction: Transaction | undefined): Buffer {
    const record = this.#records.get(key, transaction && { transaction });
    if (record === undefined) throw this.#damaged(key, "an index has it but the record is missing");
    return record;
  }

  #decode(key: Buffer, record: Buffer): Fields {
    const document = decodeRecord(key, record);
    if (typeof document === "string") throw this.#damaged(key, document);
    return document;
  }

  #damaged(key: Buffer, reason: string): DamagedRecordError {
    return new DamagedRecordError(this.name, idOfRecordKey(key), this.folder, reason);
  }

  /** @returns the document as earlier writes left it. */
  load(key: Buffer): Fields | undefined {
    const record = this.#records.get(key);
    return record === undefined ? undefined : this.#decode(key, record);
  }

  /** @throws DuplicateKeyError before anything is written. */
  insert(document: Fields): void {
    const key = this.keyOf(document);
    if (this.#records.doesExist(key)) throw new DuplicateKeyError(this.name, ["_id"]);
    this.#write(key, new Map(), document);
  }

  /** @param change changes the document in place. @throws DuplicateKeyError before anything is written. */
  replace(document: Fields, change: (document: Fields) => void): void {
    const key = this.keyOf(document);
    const before = this.#entriesOf(document, key);
    change(document);
    this.#write(key, before, document);
  }

  remove(document: Fields): void {
    const key = this.keyOf(document);
    for (const [index, { keys }] of this.#entriesOf(document, key))
      for (const entry of keys) void index.entries.remove(entry);
    void this.#records.remove(key);
  }

  /**
   * Adds the entries of some records, from the record key `start`, to one index.
   *
   * @returns where to go on, or undefined after the last record.
   * @throws DuplicateKeyError
   */
  buildStep(index: StoredIndex, start: Buffer | undefined): Buffer | undefined {
    const records = this.#records.getRange({ ...(start && { start }), limit: RECORDS_PER_BUILD_STEP + 1 });
    const [...found] = records;
    for (const { key, value } of found.slice(0, RECORDS_PER_BUILD_STEP)) {
      const entries = entryKeys(index.parts, this.#decode(key, value), key);
      this.#assertUnique(index, entries.values, key);
      this.#addEntries(index, entries.keys, entries.spread, key);
    }
    return found[RECORDS_PER_BUILD_STEP]?.key;
  }

  /** Adds to every index the entries that some records, from the record key `start`, lack. @throws DuplicateKeyError */
  addMissing(start: Buffer | undefined): RepairStep {
    const found = [...this.#records.getRange({ ...(start && { start }), limit: RECORDS_PER_BUILD_STEP + 1 })];
    const records = found.slice(0, RECORDS_PER_BUILD_STEP);
    let repaired = 0;
    for (const { key, value } of records) {
      for (const [index, { keys, values, spread }] of this.#entriesOf(this.#decode(key, value), key)) {
        const missing = keys.filter((entry) => !index.entries.doesExist(entry));
        if (missing.length === 0) continue;
        this.#assertUnique(index, values, key);
        this.#addEntries(index, missing, spread, key);
        repaired += missing.length;
      }
    }
    return { examined: records.length, repaired, next: found[RECORDS_PER_BUILD_STEP]?.key };
  }

  /** Removes of an index the entries, from the entry `start`, that no record has. */
  removeStale(index: StoredIndex, start: Buffer | undefined): RepairStep {
    const found = [...index.entries.getRange({ ...(start && { start }), limit: RECORDS_PER_BUILD_STEP + 1 })];
    const stale = found.slice(0, RECORDS_PER_BUILD_STEP).filter(({ key: entry, value: key }) => {
      const document = this.load(key);
      return document === undefined || !entryKeys(index.parts, document, key).keys.some((each) => each.equals(entry));
    });
    for (const { key } of stale) void index.entries.remove(key);
    return { examined: 0, repaired: stale.length, next: found[RECORDS_PER_BUILD_STEP]?.key };
  }

  keyOf(document: Fields): Buffer {
    const id = document._id;
    assertId(id);
    return recordKeyOf(id);
  }

  #entriesOf(document: Fields, key: Buffer): Map<StoredIndex, ReturnType<typeof entryKeys>> {
    const secondary = this.indexes.filter(({ name }) => name !== PRIMARY);
    return new Map(secondary.map((index) => [index, entryKeys(index.parts, document, key)]));
  }

  #write(key: Buffer, before: ReadonlyMap<StoredIndex, ReturnType<typeof entryKeys>>, document: Fields): void {
    const record = encodeRecord(key, document);
    const after = this.#entriesOf(document, key);
    for (const [index, { values }] of after) this.#assertUnique(index, without(values, before.get(index)?.values), key);
    for (const [index, { keys, spread }] of after) {
      const old = before.get(index)?.keys ?? [];
      for (const entry of without(old, keys)) void index.entries.remove(entry);
      this.#addEntries(index, without(keys, old), spread, key);
    }
    void this.#records.put(key, record);
  }

  #addEntries(index: StoredIndex, keys: readonly Buffer[], spread: readonly string[], key: Buffer): void {
    for (const path of spread) {
      index.spread.add(path);
      const mark = Buffer.from(spreadMark(this.name, index.name, path));
      if (!this.meta.doesExist(mark)) void this.meta.put(mark, Buffer.alloc(0));
    }
    for (const entry of keys) void index.entries.put(entry, key);
  }

  #assertUnique(index: StoredIndex, values: readonly Buffer[], key: Buffer): void {
    if (!index.unique) return;
    for (const start of values) {
      const end = successor(start);
      for (const { value } of index.entries.getRange(end === undefined ? { start } : { start, end })) {
        if (!value.equals(key))
          throw new DuplicateKeyError(
            this.name,
            index.parts.map(({ path }) => path),
          );
      }
    }
  }
}

/** The key under which it is kept that some document has an array at a path of an index. */
export function spreadMark(collection: string, index: string, path = ""): string {
  return `spread/${collection}/${index}/${path}`;
}

function without(keys: readonly Buffer[], others: readonly Buffer[] = []): readonly Buffer[] {
  return others.length === 0 ? keys : keys.filter((key) => !others.some((other) => other.equals(key)));
}
