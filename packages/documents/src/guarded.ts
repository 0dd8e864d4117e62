import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Collection, Documents, IndexDefinition, StoredDocument } from "./collection.js";
import { StoreUnavailableError } from "./errors.js";

/**
 * The same documents for a service's repository: a store that cannot be reached is the domain error STORE_UNAVAILABLE,
 * with what the driver said as its cause. Other errors stay what they are.
 */
export function guardDocuments(documents: Documents): Documents {
  return {
    async collection<T extends StoredDocument>(name: string, options?: { indexes?: readonly IndexDefinition[] }) {
      return guardCollection(await guard(documents.collection<T>(name, options)));
    },
    ping: () => guard(documents.ping()),
    close: () => documents.close(),
  };
}

function guardCollection<T extends StoredDocument>(collection: Collection<T>): Collection<T> {
  return {
    insertOne: (document) => guard(collection.insertOne(document)),
    findOne: (filter, options) => guard(collection.findOne(filter, options)),
    find: (filter, options) => guard(collection.find(filter, options)),
    findOneAndUpdate: (filter, update, options) => guard(collection.findOneAndUpdate(filter, update, options)),
    updateMany: (filter, update) => guard(collection.updateMany(filter, update)),
    deleteOne: (filter) => guard(collection.deleteOne(filter)),
    deleteMany: (filter) => guard(collection.deleteMany(filter)),
    countDocuments: (filter) => guard(collection.countDocuments(filter)),
    bulkWrite: (operations) => guard(collection.bulkWrite(operations)),
    async *repairIndexes() {
      const steps = collection.repairIndexes();
      for (let step = await guard(steps.next()); step.done !== true; step = await guard(steps.next())) yield step.value;
    },
  };
}

async function guard<R>(work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    const unavailable = new DomainError("STORE_UNAVAILABLE");
    unavailable.cause = error;
    throw unavailable;
  }
}
