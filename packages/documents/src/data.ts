import type { Collection, Documents, IndexDefinition, StoredDocument } from "./collection.js";
import { guardDocuments } from "./guarded.js";
import { createRestoreGate, type RestoreGate, type RestoreMark } from "./restore-gate.js";
import { createSchema, type Migration, type Schema } from "./schema.js";
import { asStored } from "./typed.js";
import { versioned, type VersionedCollection } from "./versioned.js";

/** An object in storage that a document refers to. */
export interface ObjectReference {
  readonly name: string;
  readonly etag: string;
}

/** How a service keeps documents of one kind. */
export interface Declaration<T extends StoredDocument> {
  readonly indexes?: readonly IndexDefinition[];
  /** The steps of its schema since the first version, the earliest first. Default: none. */
  readonly migrations?: readonly Migration[];
  /** Whether a restored system has a use for a document. Default: for every one. */
  readonly isLasting?: (document: T) => boolean;
  /** The objects that a document cannot do without. Default: none. */
  readonly objectsOf?: (document: T) => readonly ObjectReference[];
}

/** A service's documents. Every method throws DomainError STORE_UNAVAILABLE when the store does not answer. */
export interface Data {
  /**
   * Opens a collection, as Documents.collection does, whose documents bear their schema's version. While a backup is
   * restored its methods throw DomainError RESTORING.
   */
  collection<T extends StoredDocument>(name: string, declaration?: Declaration<T>): Promise<VersionedCollection<T>>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A collection as those see it who look after all that a service keeps. */
export interface KeptCollection {
  readonly name: string;
  readonly schema: Schema;
  readonly stored: Collection<StoredDocument>;
  readonly isLasting: (document: StoredDocument) => boolean;
  readonly objectsOf: (document: StoredDocument) => readonly ObjectReference[];
}

/** The same documents for a service, and for those who operate it. */
export interface KeptData extends Data {
  readonly kept: ReadonlyMap<string, KeptCollection>;
  readonly gate: RestoreGate;
  readonly marks: Collection<RestoreMark>;
}

/** Opens a service's documents over a store of its own. */
export async function openData(store: Documents): Promise<KeptData> {
  const documents = guardDocuments(store);
  const kept = new Map<string, KeptCollection>();
  const marks = await documents.collection<RestoreMark>("restores");
  const gate = createRestoreGate(marks);
  return {
    kept,
    gate,
    marks,
    async collection<T extends StoredDocument>(name: string, declaration: Declaration<T> = {}) {
      const { indexes = [], migrations, isLasting = () => true, objectsOf = () => [] } = declaration;
      const schema = createSchema(name, migrations);
      const stored = await documents.collection<T>(name, { indexes });
      kept.set(name, {
        name,
        schema,
        stored: asStored(stored),
        isLasting: (document) => isLasting(asStored(document)),
        objectsOf: (document) => objectsOf(asStored(document)),
      });
      return gated(versioned(stored, schema), gate);
    },
    ping: () => documents.ping(),
    close: () => documents.close(),
  };
}

function gated<T extends StoredDocument>(documents: VersionedCollection<T>, gate: RestoreGate): VersionedCollection<T> {
  const behind =
    <A extends readonly unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      await gate.pass();
      return method(...args);
    };
  return {
    insertOne: behind(documents.insertOne),
    findOne: behind(documents.findOne),
    find: behind(documents.find),
    findOneAndUpdate: behind(documents.findOneAndUpdate),
    deleteOne: behind(documents.deleteOne),
    deleteMany: behind(documents.deleteMany),
    countDocuments: behind(documents.countDocuments),
  };
}
