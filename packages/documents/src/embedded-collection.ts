import type {
  BulkOperation,
  BulkResult,
  Collection,
  Filter,
  IndexRepair,
  Sort,
  StoredDocument,
  Update,
} from "./collection.js";
import type { EmbeddedStore } from "./embedded-store.js";
import { matches, parseFilter, type Conjunction } from "./filter.js";
import { planQuery, PRIMARY, type Plan } from "./planner.js";
import { documentsOf, type Examined } from "./scan.js";
import { asStored } from "./typed.js";
import { applyChanges, assertUpsertable, parseUpdate, upserted, type Change } from "./update.js";
import { parseLimit } from "./limit.js";
import { storableDocument, type Fields } from "./value.js";

/** How many entries are looked at before other work of the process gets its turn. */
const ENTRIES_PER_TURN = 256;
const WRITES_AT_ONCE = 256;

/** What a collection needs of the folder it is in. */
export interface Folder {
  /** Runs inside the folder's next transaction; resolves when that is on disk. @throws StoreUnavailableError */
  write<R>(write: () => R): Promise<R>;
  /** Keeps the folder open until `read` is done. @throws StoreUnavailableError once it is closed. */
  read<R>(read: () => Promise<R>): Promise<R>;
}

/** How a query was answered. */
export interface Explanation {
  /** More than one where branches of an `$or` were looked up apart. */
  readonly scans: readonly {
    readonly index: string;
    /** How many leading paths of the index were looked up by equality or `$in`. */
    readonly equal: number;
    /** Whether the path after them was narrowed to a range. */
    readonly ranged: boolean;
    readonly ranges: number;
    readonly reverse: boolean;
  }[];
  /** Whether any of the scans goes over a whole index or all records. */
  readonly unbounded: boolean;
  readonly examined: Readonly<Examined>;
  readonly returned: number;
}

export class EmbeddedCollection<T extends StoredDocument> implements Collection<T> {
  constructor(
    private readonly store: EmbeddedStore,
    private readonly folder: Folder,
  ) {}

  async insertOne(document: T): Promise<void> {
    const copy = storableDocument(document);
    await this.folder.write(() => {
      this.store.insert(copy);
    });
  }

  async findOne(filter: Filter<T>, options: { readonly sort?: Sort } = {}): Promise<T | undefined> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first;
  }

  async find(filter: Filter<T>, options: { readonly sort?: Sort; readonly limit: number }): Promise<T[]> {
    const limit = parseLimit(options.limit);
    const found: T[] = [];
    await this.#read(parseFilter(filter), options.sort, (document) => found.push(asStored(document)) < limit);
    return found;
  }

  async countDocuments(filter: Filter<T>): Promise<number> {
    let count = 0;
    await this.#read(parseFilter(filter), undefined, () => ++count > 0);
    return count;
  }

  async findOneAndUpdate(
    filter: Filter<T>,
    update: Update<T>,
    options: { readonly upsert?: boolean; readonly sort?: Sort } = {},
  ): Promise<T | undefined> {
    const parsed = parseFilter(filter);
    const changes = parseUpdate(update);
    if (options.upsert === true) assertUpsertable(parsed, changes);
    this.#plan(parsed, options.sort);
    const outcome = await this.folder.write(() => this.#updateFirst(parsed, changes, options));
    return outcome && asStored(outcome.document);
  }

  async updateMany(filter: Filter<T>, update: Update<T>): Promise<number> {
    const changes = parseUpdate(update);
    return this.#each(parseFilter(filter), (document) => {
      this.store.replace(document, (fields) => {
        applyChanges(fields, changes);
      });
    });
  }

  async deleteOne(filter: Filter<T>): Promise<boolean> {
    const parsed = parseFilter(filter);
    return this.folder.write(() => this.#deleteFirst(parsed));
  }

  async deleteMany(filter: Filter<T>): Promise<number> {
    return this.#each(parseFilter(filter), (document) => {
      this.store.remove(document);
    });
  }

  async bulkWrite(operations: readonly BulkOperation<T>[]): Promise<BulkResult> {
    const result = { inserted: 0, matched: 0, upserted: 0, deleted: 0 };
    const steps = operations.map((operation) => this.#bulkStep(operation, result));
    await this.#inOrder(steps);
    return result;
  }

  /** What is missing is built when a collection is opened. */
  async *repairIndexes(): AsyncGenerator<IndexRepair> {
    let repair: IndexRepair = { examined: 0, repaired: 0, built: [], unused: [] };
    const indexes = this.store.indexes.filter(({ name }) => name !== PRIMARY);
    const steps = [
      (start?: Buffer) => this.store.addMissing(start),
      ...indexes.map((index) => (start?: Buffer) => this.store.removeStale(index, start)),
    ];
    for (const step of steps) {
      let next: Buffer | undefined;
      do {
        const done = await this.folder.write(() => step(next));
        ({ next } = done);
        const { examined, repaired } = repair;
        repair = { ...repair, examined: examined + done.examined, repaired: repaired + done.repaired };
        yield repair;
      } while (next !== undefined);
    }
  }

  /** Answers a query for the sake of how it is answered. @throws UnsupportedError as `find` does. */
  async explain(filter: Filter<T>, options: { readonly sort?: Sort; readonly limit: number }): Promise<Explanation> {
    const limit = parseLimit(options.limit);
    let returned = 0;
    const { plan, examined } = await this.#read(parseFilter(filter), options.sort, () => ++returned < limit);
    return {
      scans: plan.scans.map(({ index, equal, ranged, ranges, reverse }) => ({
        index: index.name,
        equal,
        ranged,
        ranges: ranges.length,
        reverse,
      })),
      unbounded: plan.scans.some(({ equal, ranged }) => equal === 0 && !ranged),
      examined,
      returned,
    };
  }

  #plan(filter: Conjunction, sort: Sort | undefined): Plan {
    return planQuery(this.store.indexes, filter, sort);
  }

  /** @param visit returns whether to go on. */
  async #read(
    filter: Conjunction,
    sort: Sort | undefined,
    visit: (document: Fields) => boolean | Promise<boolean>,
  ): Promise<{ plan: Plan; examined: Examined }> {
    return this.folder.read(async () => {
      const plan = this.#plan(filter, sort);
      const snapshot = this.store.snapshot();
      try {
        let steps = 0;
        for (const document of documentsOf(plan, snapshot)) {
          if (document !== undefined && !(await visit(document))) break;
          if (++steps % ENTRIES_PER_TURN === 0) await new Promise(setImmediate);
        }
      } finally {
        snapshot.done();
      }
      return { plan, examined: snapshot.examined };
    });
  }

  /** Writes to each document that matches as it is when its turn comes. @returns how many. */
  async #each(filter: Conjunction, write: (document: Fields) => void): Promise<number> {
    let count = 0;
    const pending: (() => void)[] = [];
    const flush = async (): Promise<boolean> => {
      await this.#inOrder(pending.splice(0));
      return true;
    };
    await this.#read(filter, undefined, (found) => {
      const key = this.store.keyOf(found);
      pending.push(() => {
        const document = this.store.load(key);
        if (document === undefined || !matches(filter, document)) return;
        write(document);
        count++;
      });
      return pending.length < WRITES_AT_ONCE || flush();
    });
    await flush();
    return count;
  }

  /** Runs each step in a write of its own, none after one that failed. */
  async #inOrder(steps: readonly (() => void)[]): Promise<void> {
    let failed = false;
    const writes = steps.map((step) =>
      this.folder.write(() => {
        if (failed) return;
        failed = true;
        step();
        failed = false;
      }),
    );
    for (const outcome of await Promise.allSettled(writes)) if (outcome.status === "rejected") throw outcome.reason;
  }

  #bulkStep(operation: BulkOperation<T>, result: { -readonly [K in keyof BulkResult]: number }): () => void {
    if ("insertOne" in operation) {
      const document = storableDocument(operation.insertOne.document);
      return () => {
        this.store.insert(document);
        result.inserted++;
      };
    }
    if ("deleteOne" in operation) {
      const filter = parseFilter(operation.deleteOne.filter);
      return () => {
        if (this.#deleteFirst(filter)) result.deleted++;
      };
    }
    const { upsert = false } = operation.updateOne;
    const filter = parseFilter(operation.updateOne.filter);
    const changes = parseUpdate(operation.updateOne.update);
    if (upsert) assertUpsertable(filter, changes);
    return () => {
      const outcome = this.#updateFirst(filter, changes, { upsert });
      if (outcome !== undefined) result[outcome.inserted ? "upserted" : "matched"]++;
    };
  }

  #updateFirst(
    filter: Conjunction,
    changes: readonly Change[],
    { upsert = false, sort }: { readonly upsert?: boolean; readonly sort?: Sort },
  ): { document: Fields; inserted: boolean } | undefined {
    const document = this.#first(filter, sort);
    if (document === undefined) {
      if (!upsert) return undefined;
      const inserted = upserted(filter, changes);
      this.store.insert(inserted);
      return { document: inserted, inserted: true };
    }
    this.store.replace(document, (fields) => {
      applyChanges(fields, changes);
    });
    return { document, inserted: false };
  }

  #deleteFirst(filter: Conjunction): boolean {
    const document = this.#first(filter, undefined);
    if (document === undefined) return false;
    this.store.remove(document);
    return true;
  }

  /** Inside a write. */
  #first(filter: Conjunction, sort: Sort | undefined): Fields | undefined {
    for (const document of documentsOf(this.#plan(filter, sort), this.store.current())) {
      if (document !== undefined) return document;
    }
    return undefined;
  }
}
