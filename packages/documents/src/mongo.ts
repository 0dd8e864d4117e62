import {
  MongoClient,
  MongoServerError,
  type AnyBulkWriteOperation,
  type Collection as DriverCollection,
  type Db,
  type Document,
} from "mongodb";
import type {
  BulkOperation,
  BulkResult,
  Collection,
  Documents,
  Filter,
  IndexDefinition,
  IndexRepair,
  Sort,
  StoredDocument,
  Update,
} from "./collection.js";
import { DuplicateKeyError } from "./errors.js";
import { parseFilter } from "./filter.js";
import { parseLimit } from "./limit.js";
import { driverCall } from "./mongo-errors.js";
import { driverFilter, driverSort, driverUpdate } from "./mongo-query.js";
import { assertCollectionName } from "./name.js";
import { parseIndexes, planQuery, PRIMARY, type PlannedIndex } from "./planner.js";
import { asStored } from "./typed.js";
import { assertUpsertable, parseUpdate } from "./update.js";
import { storableDocument } from "./value.js";

/** How long a call waits for a server before it is unavailable, unless the connection string says. */
const SERVER_SELECTION_MS = 5_000;
/** Two upserts of the same new document can collide in the server; the loser then finds what the winner made. */
const UPSERT_ATTEMPTS = 3;
const NAMESPACE_NOT_FOUND = 26;

/** Connects at the first call. */
export function openMongo(url: string, database: string): Documents {
  const client = new MongoClient(url, {
    ...(/[?&]serverSelectionTimeoutMS=/i.test(url) ? {} : { serverSelectionTimeoutMS: SERVER_SELECTION_MS }),
    writeConcern: { w: "majority", journal: true },
    promoteBuffers: true,
  });
  const db = client.db(database);
  return {
    collection: async <T extends StoredDocument>(
      name: string,
      options: { readonly indexes?: readonly IndexDefinition[] } = {},
    ) => {
      assertCollectionName(name);
      const indexes = parseIndexes(options.indexes ?? []);
      await driverCall({ name, indexes }, () => createIndexes(db, name, indexes));
      return new MongoCollection<T>(name, db, indexes);
    },
    ping: async () => {
      await driverCall({ name: database, indexes: [] }, () => db.command({ ping: 1 }));
    },
    close: () => client.close(),
  };
}

/** @returns the names of those that were missing, and of those that are there and not declared. */
async function createIndexes(
  db: Db,
  collection: string,
  indexes: readonly DeclaredIndex[],
): Promise<Pick<IndexRepair, "built" | "unused">> {
  const existing: Document[] = await db.collection(collection).listIndexes().toArray().catch(noneYet);
  const missing = indexes
    .filter(({ name, unique }) => name !== PRIMARY && !existing.some((index: Document) => isIndex(index, name, unique)))
    .map(({ name, parts, unique }) => ({
      name,
      key: new Map(parts.map(({ path, direction }) => [path, direction])),
      ...(unique && { unique }),
    }));
  if (missing.length > 0) await db.collection(collection).createIndexes(missing);
  const there = existing.map(({ name }: Document) => String(name)).filter((name) => name !== "_id_");
  return {
    built: missing.map(({ name }) => name),
    unused: there.filter((name) => !indexes.some((index) => index.name === name)),
  };
}

function isIndex(index: Document, name: string, unique: boolean): boolean {
  return index.name === name && (index.unique === true) === unique;
}

/** Servers differ in whether the indexes of a collection that is not there are none or an error. */
function noneYet(error: unknown): [] {
  if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
  throw error;
}

type DeclaredIndex = PlannedIndex & { readonly unique: boolean };

class MongoCollection<T extends StoredDocument> implements Collection<T> {
  private readonly driver: DriverCollection<StoredDocument>;

  constructor(
    readonly name: string,
    private readonly db: Db,
    readonly indexes: readonly DeclaredIndex[],
  ) {
    this.driver = db.collection(name);
  }

  async insertOne(document: T): Promise<void> {
    const copy: StoredDocument = asStored(storableDocument(document));
    await this.#call(() => this.driver.insertOne(copy));
  }

  async findOne(filter: Filter<T>, options: { readonly sort?: Sort } = {}): Promise<T | undefined> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first;
  }

  async find(filter: Filter<T>, options: { readonly sort?: Sort; readonly limit: number }): Promise<T[]> {
    const limit = parseLimit(options.limit);
    const query = this.#query(filter, options.sort);
    const found = await this.#call(() => this.driver.find(query, { limit, sort: driverSort(options.sort) }).toArray());
    return asStored(found);
  }

  async countDocuments(filter: Filter<T>): Promise<number> {
    const query = this.#query(filter);
    return this.#call(() => this.driver.countDocuments(query));
  }

  async findOneAndUpdate(
    filter: Filter<T>,
    update: Update<T>,
    { upsert = false, sort }: { readonly upsert?: boolean; readonly sort?: Sort } = {},
  ): Promise<T | undefined> {
    const query = this.#query(filter, sort);
    const changes = parseUpdate(update);
    if (upsert) assertUpsertable(parseFilter(filter), changes);
    const found = await this.#upserting(upsert, () =>
      this.driver.findOneAndUpdate(query, driverUpdate(changes), {
        returnDocument: "after",
        upsert,
        sort: driverSort(sort),
      }),
    );
    return found === null ? undefined : asStored(found);
  }

  async updateMany(filter: Filter<T>, update: Update<T>): Promise<number> {
    const query = this.#query(filter);
    const changes = driverUpdate(parseUpdate(update));
    return (await this.#call(() => this.driver.updateMany(query, changes))).matchedCount;
  }

  async deleteOne(filter: Filter<T>): Promise<boolean> {
    const query = this.#query(filter);
    return (await this.#call(() => this.driver.deleteOne(query))).deletedCount > 0;
  }

  async deleteMany(filter: Filter<T>): Promise<number> {
    const query = this.#query(filter);
    return (await this.#call(() => this.driver.deleteMany(query))).deletedCount;
  }

  async bulkWrite(operations: readonly BulkOperation<T>[]): Promise<BulkResult> {
    const steps = operations.map((operation) => this.#bulkStep(operation));
    if (steps.length === 0) return { inserted: 0, matched: 0, upserted: 0, deleted: 0 };
    const done = await this.#call(() => this.driver.bulkWrite(steps, { ordered: true }));
    return {
      inserted: done.insertedCount,
      matched: done.matchedCount,
      upserted: done.upsertedCount,
      deleted: done.deletedCount,
    };
  }

  /** Those that are there the server keeps right; what another version declared stays. */
  async *repairIndexes(): AsyncGenerator<IndexRepair> {
    const found = await this.#call(() => createIndexes(this.db, this.name, this.indexes));
    yield { examined: 0, repaired: 0, ...found };
  }

  #bulkStep(operation: BulkOperation<T>): AnyBulkWriteOperation<StoredDocument> {
    if ("insertOne" in operation)
      return { insertOne: { document: asStored(storableDocument(operation.insertOne.document)) } };
    if ("deleteOne" in operation) return { deleteOne: { filter: this.#query(operation.deleteOne.filter) } };
    const { filter, update, upsert = false } = operation.updateOne;
    const changes = parseUpdate(update);
    if (upsert) assertUpsertable(parseFilter(filter), changes);
    return { updateOne: { filter: this.#query(filter), update: driverUpdate(changes), upsert } };
  }

  /** @throws UnsupportedError as the embedded store does, which has to plan the query. */
  #query(filter: Filter<T>, sort?: Sort): Document {
    const parsed = parseFilter(filter);
    planQuery(this.indexes, parsed, sort);
    return driverFilter(parsed);
  }

  async #upserting<R>(upsert: boolean, operation: () => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#call(operation);
      } catch (error) {
        if (!upsert || attempt === UPSERT_ATTEMPTS || !(error instanceof DuplicateKeyError)) throw error;
      }
    }
  }

  #call<R>(operation: () => Promise<R>): Promise<R> {
    return driverCall(this, operation);
  }
}
