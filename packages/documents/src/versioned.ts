import type { Collection, Filter, Sort, StoredDocument, Update } from "./collection.js";
import { DuplicateKeyError } from "./errors.js";
import { pack } from "./record.js";
import { versionOf, type Schema } from "./schema.js";
import { asStored } from "./typed.js";
import { isScalar, type Fields } from "./value.js";

/** The part of a collection that keeps its documents' schema. */
export type VersionedCollection<T extends StoredDocument> = Pick<
  Collection<T>,
  "insertOne" | "findOne" | "find" | "findOneAndUpdate" | "deleteOne" | "deleteMany" | "countDocuments"
>;

/** How often a document is tried again that others change all the while. */
const ATTEMPTS = 20;

/**
 * The same collection in the present schema: older documents are read in it, and written in it when they are next
 * changed. Filters see documents as they are stored: a query by a field that a step adds finds the older ones when all
 * have been migrated.
 *
 * Whoever changes a document marks it with its own version. So a newer program sees what an older one changed since,
 * and takes its steps again; fields that the older one does not know stay.
 *
 * Every method throws DomainError NEWER_DATA for a document that this program cannot honour.
 */
export function versioned<T extends StoredDocument>(stored: Collection<T>, schema: Schema): VersionedCollection<T> {
  const present = (document: T): T => asStored(schema.present(asStored(document)));
  const written = { schema: schema.version };

  /** Tries to change one of the documents that are in the present schema. */
  const changePresent = async (filter: Filter<T>, update: Update<T>, options: UpdateOptions) => {
    const stamped: Update<T> = asStored({ ...update, $set: { ...update.$set, ...schema.stamp({}) } });
    try {
      return { changed: await stored.findOneAndUpdate(asStored({ ...filter, ...written }), stamped, options) };
    } catch (error) {
      if (options.upsert === true && error instanceof DuplicateKeyError) return { changed: undefined, error };
      throw error;
    }
  };

  return {
    insertOne: (document) => stored.insertOne(asStored(schema.stamp(asStored(document)))),

    async findOne(filter, options) {
      const found = await stored.findOne(filter, options);
      return found && present(found);
    },

    find: async (filter, options) => (await stored.find(filter, options)).map(present),

    async findOneAndUpdate(filter, update, options = {}) {
      for (let attempt = 1; ; attempt++) {
        const { changed, error } = await changePresent(filter, update, options);
        if (changed) return changed;
        const found = await stored.findOne(filter, options.sort && { sort: options.sort });
        if (!found && error) throw error;
        if (!found) return undefined;
        if (attempt === ATTEMPTS) throw error ?? new Error(`A document was changed ${ATTEMPTS} times meanwhile`);
        await rewrite(stored, schema, found);
      }
    },

    deleteOne: (filter) => stored.deleteOne(filter),
    deleteMany: (filter) => stored.deleteMany(filter),
    countDocuments: (filter) => stored.countDocuments(filter),
  };
}

interface UpdateOptions {
  readonly upsert?: boolean;
  readonly sort?: Sort;
}

/**
 * Writes a document in the present schema, if it is still as it was read: its plain fields are the precondition, of
 * which every change changes one.
 *
 * @returns whether it is in the present schema now.
 * @throws DomainError NEWER_DATA
 */
export async function rewrite<T extends StoredDocument>(
  stored: Collection<T>,
  schema: Schema,
  document: T,
): Promise<boolean> {
  const before: Fields = asStored(document);
  if (versionOf(before) === schema.version) return true;
  const after = schema.stamp(schema.present(before));
  const gone = Object.keys(before).filter((field) => !Object.hasOwn(after, field));
  const set = Object.entries(after).filter(([field, value]) => !isSame(before[field], value));
  const update: Update<T> = asStored({
    ...(set.length > 0 ? { $set: Object.fromEntries(set) } : {}),
    ...(gone.length > 0 ? { $unset: Object.fromEntries(gone.map((field) => [field, true])) } : {}),
  });
  return (await stored.findOneAndUpdate(asStored(asItIs(before)), update)) !== undefined;
}

function asItIs(document: Fields): Fields {
  const plain = Object.entries(document).filter(([, value]) => isScalar(value));
  return { ...(Object.hasOwn(document, "schema") ? {} : { schema: { $exists: false } }), ...Object.fromEntries(plain) };
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (one !== undefined && pack(one).equals(pack(other)));
}
