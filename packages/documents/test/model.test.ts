import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Query } from "mingo";
import { update as mingoUpdate } from "mingo/updater";
import type { Filter, IndexDefinition, Scalar, Sort, Update } from "../src/collection.js";
import { openEmbedded, type EmbeddedDocuments } from "../src/embedded.js";
import type { EmbeddedCollection } from "../src/embedded-collection.js";
import { DuplicateKeyError } from "../src/errors.js";
import { encodePart } from "../src/key.js";
import { decodeRecord, encodeRecord } from "../src/record.js";
import { asStored } from "../src/typed.js";
import { compareValues, rank, storable, storableDocument, type Value } from "../src/value.js";
import { temporaryFolders } from "./temporary.js";

const temporaryFolder = temporaryFolders();

interface Item {
  readonly _id: string;
  readonly group?: string;
  readonly size?: number;
  readonly tags?: string[];
  readonly mixed?: Scalar | Scalar[];
  readonly key?: number;
}

const INDEXES: readonly IndexDefinition[] = [
  { keys: { group: 1, size: -1, _id: -1 } },
  { keys: { tags: 1, size: 1, _id: 1 } },
  { keys: { mixed: -1, _id: 1 } },
  { keys: { key: 1 }, unique: true },
];

const ids = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
const groups = fc.constantFrom("x", "y", "z");
const sizes = fc.integer({ min: -2, max: 3 });
const tags = fc.constantFrom("p", "q", "r", "s");
const scalars: fc.Arbitrary<string | number | boolean | null | Date> = fc.oneof(
  sizes,
  fc.constantFrom("", "A", "a", "ab", "b"),
  fc.boolean(),
  fc.constant(null),
  fc.integer({ min: -1, max: 2 }).map((time) => new Date(time)),
);
const ordered = fc.oneof(sizes, fc.constantFrom("", "A", "a", "ab"), fc.constantFrom(new Date(-1), new Date(1)));

const items: fc.Arbitrary<Item> = fc
  .record(
    {
      _id: ids,
      group: groups,
      size: sizes,
      tags: fc.array(tags, { maxLength: 3 }),
      mixed: fc.oneof(scalars, fc.array(scalars, { maxLength: 3 })),
      key: fc.nat(30),
    },
    { requiredKeys: ["_id", "key"] },
  )
  .map((item) => ({ ...item }));

const bounds = fc.record({ $gt: ordered, $gte: ordered, $lt: ordered, $lte: ordered }, { requiredKeys: [] });
const tests: fc.Arbitrary<Filter<Item>> = fc.oneof(
  fc.record({ _id: fc.oneof(ids, fc.record({ $in: fc.array(ids, { maxLength: 3 }) })) }),
  fc.record({ group: fc.oneof(groups, fc.constant(null), fc.record({ $in: fc.array(groups, { maxLength: 3 }) })) }),
  fc.record({ size: fc.record({ $gte: sizes, $lt: sizes }) }),
  fc.record({ tags: fc.oneof(tags, fc.record({ $in: fc.array(tags, { maxLength: 3 }) })) }),
  fc.record({
    mixed: fc.oneof(
      scalars,
      bounds.filter((bound) => Object.keys(bound).length > 0),
    ),
  }),
  fc.record({ mixed: fc.record({ $exists: fc.boolean() }) }),
  fc.record({ key: fc.nat(30) }),
);
const filters: fc.Arbitrary<Filter<Item>> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: tests },
  { weight: 2, arbitrary: fc.record({ $and: fc.array(tests, { minLength: 1, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ $or: fc.array(tests, { minLength: 1, maxLength: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ group: groups, $or: fc.array(tests, { minLength: 1, maxLength: 3 }) }),
  },
);

/** Sorts that an index serves with any filter, or with one on the group. */
const queries: fc.Arbitrary<{ filter: Filter<Item>; sort?: Sort }> = fc.oneof(
  fc.record({ filter: filters }),
  fc.record({ filter: filters, sort: fc.constantFrom<Sort>({ _id: 1 }, { _id: -1 }) }),
  fc.record({ filter: filters, sort: fc.constantFrom<Sort>({ mixed: -1, _id: 1 }, { mixed: 1, _id: -1 }) }),
  fc.record({
    filter: fc
      .record({ group: fc.oneof(groups, fc.record({ $in: fc.array(groups, { maxLength: 4 }) })), rest: filters })
      .map(({ group, rest }) => ({ $and: [{ group }, rest] })),
    sort: fc.constantFrom<Sort>({ size: -1, _id: -1 }, { size: 1, _id: 1 }),
  }),
  fc.record({
    filter: fc.record({ tags: fc.record({ $in: fc.array(tags, { maxLength: 4 }) }) }),
    sort: fc.constantFrom<Sort>({ size: 1, _id: 1 }, { size: -1, _id: -1 }),
  }),
);

const updates: fc.Arbitrary<Update<Item>> = fc.oneof(
  fc.record({ $set: fc.record({ group: groups, size: sizes }) }),
  fc.record({ $set: fc.record({ mixed: fc.oneof(scalars, fc.array(scalars, { maxLength: 2 })) }) }),
  fc.record({
    $unset: fc.constantFrom<Partial<Record<keyof Item, true>>>({ group: true }, { mixed: true, size: true }),
  }),
  fc.record({ $inc: fc.record({ size: sizes }) }),
  fc.record({ $max: fc.record({ size: sizes }) }),
  fc.record({ $min: fc.record({ size: sizes }) }),
  fc.record({ $push: fc.record({ tags }) }),
  fc.record({ $pull: fc.record({ tags }) }),
  fc.record({ $addToSet: fc.record({ tags }) }),
  fc.record({ $set: fc.record({ key: fc.nat(30) }) }),
);

type Step =
  | { readonly insert: Item }
  | { readonly find: { readonly filter: Filter<Item>; readonly sort?: Sort }; readonly limit: number }
  | { readonly count: Filter<Item> }
  | { readonly change: string; readonly update: Update<Item> }
  | { readonly changeAll: Filter<Item>; readonly update: Update<Item> }
  | { readonly remove: string }
  | { readonly removeAll: Filter<Item> };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ insert: items }) },
  { weight: 6, arbitrary: fc.record({ find: queries, limit: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ count: filters }) },
  { weight: 4, arbitrary: fc.record({ change: ids, update: updates }) },
  {
    weight: 1,
    arbitrary: fc.record({ changeAll: tests, update: updates.filter((update) => !("key" in (update.$set ?? {}))) }),
  },
  { weight: 1, arbitrary: fc.record({ remove: ids }) },
  { weight: 1, arbitrary: fc.record({ removeAll: tests }) },
);

/** The same collection as a plain map, with another implementation's matching and changing. */
class Model {
  readonly items = new Map<string, Item>();

  matching(filter: Filter<Item>): Item[] {
    const query = new Query(filter);
    return [...this.items.values()].filter((item) => query.test({ ...item }));
  }

  insert(item: Item): void {
    if (this.items.has(item._id) || this.#taken(item)) throw new DuplicateKeyError("items", []);
    this.items.set(item._id, item);
  }

  change(item: Item, update: Update<Item>): Item {
    const fields = copyOf(item);
    const added = update.$addToSet?.tags;
    // mingo's $addToSet drops what the array already held twice.
    if (typeof added === "string") fields.tags = [...(item.tags ?? []), ...(item.tags?.includes(added) ? [] : [added])];
    else mingoUpdate(fields, asStored(update));
    const changed: Item = asStored(fields);
    if (this.#taken(changed)) throw new DuplicateKeyError("items", []);
    this.items.set(item._id, changed);
    return changed;
  }

  #taken({ _id, key }: Item): boolean {
    return [...this.items.values()].some((other) => other._id !== _id && (other.key ?? null) === (key ?? null));
  }
}

/** Not structuredClone: under Jest that gives objects of another realm. */
function copyOf(item: Item): Record<string, Value> {
  return storableDocument(item);
}

/** Where a value stands in a sort: an array by its least or greatest element, an empty one before null. */
function standing(item: Item, path: string, direction: 1 | -1): Value | undefined {
  const value = storable(Object.entries(item).find(([field]) => field === path)?.[1] ?? null, path);
  if (!Array.isArray(value)) return value;
  return [...value].sort((a, b) => direction * order(a, b))[0];
}

function order(a: Value | undefined, b: Value | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return rank(a) - rank(b) || compareValues(a, b);
}

function sorted(found: readonly Item[], sort: Sort): Item[] {
  return [...found].sort((a, b) => {
    for (const [path, direction] of Object.entries(sort)) {
      const difference = direction * order(standing(a, path, direction), standing(b, path, direction));
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

async function outcomeOf<R>(call: () => R | Promise<R>): Promise<R | string> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof DuplicateKeyError) return error.name;
    throw error;
  }
}

const byId = (found: readonly Item[]) => sorted(found, { _id: 1 });

async function take(step: Step, model: Model, collection: EmbeddedCollection<Item>): Promise<void> {
  if ("insert" in step) {
    const [ours, theirs] = [
      () => collection.insertOne(step.insert),
      () => {
        model.insert(step.insert);
      },
    ];
    expect(await outcomeOf(ours)).toEqual(await outcomeOf(theirs));
  } else if ("find" in step) {
    const { filter, sort } = step.find;
    const expected = model.matching(filter);
    const found = await collection.find(filter, { ...(sort && { sort }), limit: sort ? step.limit : 100 });
    if (sort === undefined) expect(byId(found)).toEqual(byId(expected));
    else expect(found).toEqual(sorted(expected, sort).slice(0, step.limit));
  } else if ("count" in step) {
    expect(await collection.countDocuments(step.count)).toBe(model.matching(step.count).length);
  } else if ("change" in step) {
    const item = model.items.get(step.change);
    const ours = await outcomeOf(() => collection.findOneAndUpdate({ _id: step.change }, step.update));
    expect(ours).toEqual(await outcomeOf(() => item && model.change(item, step.update)));
  } else if ("changeAll" in step) {
    const matching = model.matching(step.changeAll);
    for (const item of matching) model.change(item, step.update);
    expect(await collection.updateMany(step.changeAll, step.update)).toBe(matching.length);
  } else if ("remove" in step) {
    expect(await collection.deleteOne({ _id: step.remove })).toBe(model.items.delete(step.remove));
  } else {
    const matching = model.matching(step.removeAll);
    for (const { _id } of matching) model.items.delete(_id);
    expect(await collection.deleteMany(step.removeAll)).toBe(matching.length);
  }
}

describe("the embedded store and a model of it", () => {
  let documents: EmbeddedDocuments;
  beforeAll(async () => {
    documents = await openEmbedded(await temporaryFolder());
  });
  afterAll(async () => {
    await documents.close();
  });

  test("agree on random operations", async () => {
    const collection = await documents.collection<Item>("items", { indexes: INDEXES });
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (journey) => {
        await collection.deleteMany({});
        const model = new Model();
        for (const step of journey) await take(step, model, collection);
        expect(await collection.find({}, { sort: { _id: 1 }, limit: 100 })).toEqual(byId([...model.items.values()]));
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

describe("keys and records", () => {
  const values = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.string({ unit: fc.constantFrom("\0", "\u0001", "a"), maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
  );

  test("bytes of keys compare as their values do, in both directions, and none is another's prefix", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const expected = Math.sign(rank(a) - rank(b) || compareValues(a, b));
        expect(Math.sign(Buffer.compare(encodePart(a, 1), encodePart(b, 1)))).toBe(expected);
        expect(Math.sign(Buffer.compare(encodePart(b, -1), encodePart(a, -1)))).toBe(expected);
        if (expected !== 0)
          expect(encodePart(b, 1).subarray(0, encodePart(a, 1).length).equals(encodePart(a, 1))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test("a record gives back what was stored, and any flipped bit is noticed", () => {
    const documents = fc.record({
      _id: fc.constant("x"),
      value: values,
      list: fc.array(values),
      inner: fc.dictionary(fc.stringMatching(/^[a-z]+$/), values),
    });
    fc.assert(
      fc.property(documents, fc.nat(), fc.nat(7), (document, position, bit) => {
        const stored = storable(document, "document");
        const key = Buffer.from("key");
        const record = encodeRecord(key, { document: stored });
        expect(decodeRecord(key, record)).toEqual({ document: stored });
        const damaged = Buffer.from(record);
        const at = position % damaged.length;
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        expect(typeof decodeRecord(key, damaged)).toBe("string");
        expect(typeof decodeRecord(Buffer.from("kez"), record)).toBe("string");
      }),
      { numRuns: 500 },
    );
  });
});
