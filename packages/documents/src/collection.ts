/** What a filter may compare with. Bytes are compared by length first, strings by their UTF-8 bytes. */
export type Scalar = string | number | boolean | null | Date | Uint8Array;

/**
 * A document: strings, finite numbers, booleans, null, Dates, bytes, plain objects and arrays of these.
 *
 * `_id` is 1 to 240 bytes of UTF-8. Bytes always come back as Buffer, -0 as 0. Refused: undefined (leave the field
 * out), bigint, NaN and infinities, strings that are not well-formed, arrays directly in arrays, other classes, and
 * field names that are empty, start with `$` or contain `.` or NUL.
 */
export interface StoredDocument {
  readonly _id: string;
}

/** A field of a nested object, such as `source.size`; through an array it means any element's. */
export type DottedPath = `${string}.${string}`;

type Dotted<V> = Readonly<Record<DottedPath, V>>;
type Element<V> = V extends Uint8Array ? V : V extends readonly (infer E)[] ? E : V;
type Operand<V> = Extract<Element<NonNullable<V>>, Scalar> | null;
type Ordered<V> = Extract<Operand<V>, string | number | Date>;

/** Comparisons match values of the operand's own type only; on an array, any element may match each of them. */
export interface Condition<V> {
  readonly $in?: readonly Operand<V>[];
  readonly $gt?: Ordered<V>;
  readonly $gte?: Ordered<V>;
  readonly $lt?: Ordered<V>;
  readonly $lte?: Ordered<V>;
  /** A field that holds null exists. */
  readonly $exists?: boolean;
}

/** A value means equality: with the field, or with an element where the field is an array. Null also means missing. */
export type Filter<T> = {
  readonly [K in keyof T]?: Operand<T[K]> | Condition<T[K]>;
} & {
  readonly $and?: readonly Filter<T>[];
  readonly $or?: readonly Filter<T>[];
} & Dotted<Scalar | Condition<Scalar>>;

type Writable<T> = Exclude<keyof T, "_id">;
type ArrayKeys<T> = { [K in Writable<T>]: NonNullable<T[K]> extends readonly unknown[] ? K : never }[Writable<T>];
type NumberKeys<T> = { [K in Writable<T>]: NonNullable<T[K]> extends number ? K : never }[Writable<T>];
/**
 * How a document changes. Two operators may not touch the same path or one inside the other. A step through something
 * that is not an object, `$inc` of a non-number and `$push`, `$pull` or `$addToSet` on a non-array are refused.
 */
export interface Update<T> {
  readonly $set?: { readonly [K in Writable<T>]?: Exclude<T[K], undefined> } & Dotted<unknown>;
  /** Only where an upsert inserts; the one place that may name `_id`. */
  readonly $setOnInsert?: { readonly [K in keyof T]?: Exclude<T[K], undefined> } & Dotted<unknown>;
  readonly $unset?: Partial<Record<Writable<T>, true>> & Dotted<true>;
  /** A missing field counts as 0. Sums are exact up to 2^53. */
  readonly $inc?: Partial<Record<NumberKeys<T>, number>> & Dotted<number>;
  /** A missing field takes the value; types compare in BSON's order (null, number, string, …, boolean, Date). */
  readonly $min?: { readonly [K in Writable<T>]?: NonNullable<Operand<T[K]>> } & Dotted<Scalar>;
  readonly $max?: { readonly [K in Writable<T>]?: NonNullable<Operand<T[K]>> } & Dotted<Scalar>;
  /** Appends one element; no modifiers such as `$each`. */
  readonly $push?: { readonly [K in ArrayKeys<T>]?: Element<NonNullable<T[K]>> } & Dotted<unknown>;
  readonly $pull?: { readonly [K in ArrayKeys<T>]?: Operand<T[K]> } & Dotted<Scalar>;
  readonly $addToSet?: { readonly [K in ArrayKeys<T>]?: Operand<T[K]> } & Dotted<Scalar>;
}

export type Direction = 1 | -1;

/**
 * Paths in order of significance. Served by a declared index or refused: the paths must follow one another in the
 * index, all as declared or all reversed, and every path before them must be compared by equality or `$in`.
 * The order among equals is not defined: end in `_id` where it matters. An array sorts by its least element ascending,
 * by its greatest descending; strings that share their first 240 bytes may come in any order.
 */
export type Sort = Readonly<Record<string, Direction>>;

/** At most 6 paths, of which at most one may hold arrays; the paths may not share their first field. */
export interface IndexDefinition {
  readonly keys: Readonly<Record<string, Direction>>;
  /** A missing field counts as null. Default false. */
  readonly unique?: boolean;
}

export type BulkOperation<T> =
  | { readonly insertOne: { readonly document: T } }
  | { readonly updateOne: { readonly filter: Filter<T>; readonly update: Update<T>; readonly upsert?: boolean } }
  | { readonly deleteOne: { readonly filter: Filter<T> } };

export interface BulkResult {
  readonly inserted: number;
  readonly matched: number;
  readonly upserted: number;
  readonly deleted: number;
}

/** How far the repair of a collection's indexes is. */
export interface IndexRepair {
  /** Documents looked at; 0 where the server keeps its indexes right by itself. */
  readonly examined: number;
  /** Entries added or removed. */
  readonly repaired: number;
  /** The indexes that were missing. */
  readonly built: readonly string[];
  /** The indexes that are there and not declared, which another version may use. */
  readonly unused: readonly string[];
}

/**
 * Documents of one kind, with MongoDB's vocabulary as far as every adapter does the same. Each document changes
 * atomically, nothing larger does. A call resolves when its write is durable.
 *
 * Every method throws UnsupportedError for what is outside the vocabulary (before anything is written),
 * StoreUnavailableError where the store cannot be reached, and DamagedRecordError where a record is damaged.
 */
export interface Collection<T extends StoredDocument> {
  /** @throws DuplicateKeyError */
  insertOne(document: T): Promise<void>;
  findOne(filter: Filter<T>, options?: { readonly sort?: Sort }): Promise<T | undefined>;
  /** @param options.limit 1 to 10,000 documents. Without a sort, in no defined order. */
  find(filter: Filter<T>, options: { readonly sort?: Sort; readonly limit: number }): Promise<T[]>;
  /**
   * Changes the first document that matches: the filter is the precondition.
   * An upsert that finds none inserts the filter's equalities with the update applied; it needs `_id` from the filter
   * or `$setOnInsert`, and its filter takes no `$in` or `$or`.
   *
   * @returns the document after the change, or undefined where none matched.
   * @throws DuplicateKeyError
   */
  findOneAndUpdate(
    filter: Filter<T>,
    update: Update<T>,
    options?: { readonly upsert?: boolean; readonly sort?: Sort },
  ): Promise<T | undefined>;
  /** @returns how many matched and were changed, one by one. @throws DuplicateKeyError */
  updateMany(filter: Filter<T>, update: Update<T>): Promise<number>;
  /** @returns whether there was one. */
  deleteOne(filter: Filter<T>): Promise<boolean>;
  /** @returns how many were deleted, one by one. */
  deleteMany(filter: Filter<T>): Promise<number>;
  countDocuments(filter: Filter<T>): Promise<number>;
  /** In order; stops at the first that fails and throws its error. What came before it stays written. */
  bulkWrite(operations: readonly BulkOperation<T>[]): Promise<BulkResult>;
  /** Puts the declared indexes right while others read and write; tells now and then how far it is, and at the end. */
  repairIndexes(): AsyncGenerator<IndexRepair>;
}

export interface Documents {
  /**
   * Opens a collection and builds the indexes that are missing. Embedded: indexes no longer declared are dropped, and
   * opening the same name again with other indexes is refused.
   *
   * @param name 1 to 64 letters, digits, `_` and `-`.
   * @throws DuplicateKeyError where a new unique index does not fit what is stored.
   */
  collection<T extends StoredDocument>(
    name: string,
    options?: { readonly indexes?: readonly IndexDefinition[] },
  ): Promise<Collection<T>>;
  /** @throws StoreUnavailableError */
  ping(): Promise<void>;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}
