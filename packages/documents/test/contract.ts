import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Collection, Documents, Filter, IndexDefinition, StoredDocument, Update } from "../src/collection.js";
import { DuplicateKeyError, StoreUnavailableError, UnsupportedError } from "../src/errors.js";
import { asStored } from "../src/typed.js";

interface Item extends StoredDocument {
  owner?: string;
  state?: "NEW" | "DONE" | null;
  rank?: number | string | Date | null;
  tags?: string[] | null;
  made?: Date;
  bytes?: Uint8Array;
  flag?: boolean;
  source?: { size?: number; digest?: string; deep?: { list?: number[] } };
  parts?: { id: number; name?: string }[];
  request?: string;
}

const INDEXES: readonly IndexDefinition[] = [
  { keys: { owner: 1, rank: -1, _id: -1 } },
  { keys: { state: 1, made: 1 } },
  { keys: { tags: 1, rank: 1 } },
  { keys: { rank: 1 } },
  { keys: { request: 1, flag: 1 }, unique: true },
];

/** What a stand-in for a real server may lack; the tests of it are then skipped, with the stand-in's name. */
export interface StandIn {
  readonly name: string;
  readonly lacks: readonly ("atomic changes" | "unique indexes beyond inserts")[];
}

/**
 * What every adapter of the Collection port does.
 *
 * @param open opens the same store each time; nobody else uses it.
 */
export function documentsContract(name: string, open: () => Promise<Documents>, standIn?: StandIn): void {
  function testOf(ability: StandIn["lacks"][number], title: string, run: () => Promise<void>): void {
    if (standIn?.lacks.includes(ability)) test.skip(`${title} (skipped: ${standIn.name} lacks ${ability})`, run);
    else test(title, run);
  }

  describe(`documents contract: ${name}`, () => {
    let documents: Documents;

    beforeAll(async () => {
      documents = await open();
    });
    afterAll(async () => {
      await documents.close();
    });

    /** @returns a collection that holds these alone; each has a request of its own, which the unique index wants. */
    async function holding(items: readonly Item[], named = "items"): Promise<Collection<Item>> {
      const collection = await documents.collection<Item>(named, { indexes: INDEXES });
      await collection.deleteMany({});
      await collection.bulkWrite(items.map((item) => ({ insertOne: { document: { request: item._id, ...item } } })));
      return collection;
    }

    async function idsOf(collection: Collection<Item>, filter: Filter<Item>): Promise<string[]> {
      return (await collection.find(filter, { limit: 100 })).map(({ _id }) => _id).sort();
    }

    test("ping answers", async () => {
      await expect(documents.ping()).resolves.toBeUndefined();
    });

    test("a document comes back as it was stored", async () => {
      const item: Item = {
        _id: "videos/ä😀",
        request: "r",
        rank: 2 ** 40 + 0.5,
        made: new Date(-1),
        bytes: Buffer.from([0, 255, 1]),
        flag: false,
        state: null,
        tags: [],
        source: { size: -1, deep: { list: [1, 2.5] } },
        parts: [{ id: 1 }, { id: 2, name: "zwei\u0000drei" }],
      };
      const collection = await holding([item]);
      expect(await collection.findOne({ _id: item._id })).toEqual(item);
    });

    test("bytes come back as Buffer, -0 as 0", async () => {
      const collection = await holding([{ _id: "a", bytes: new Uint8Array([7]), rank: -0 }]);
      const found = await collection.findOne({ _id: "a" });
      expect(Buffer.isBuffer(found?.bytes)).toBe(true);
      expect(Object.is(found?.rank, 0)).toBe(true);
    });

    const cases: [string, Filter<Item>, string[]][] = [
      ["equality", { owner: "ann" }, ["1", "2", "3"]],
      ["equality of bytes", { bytes: Buffer.from("x") }, ["3"]],
      ["equality of a date", { made: new Date(5) }, ["2"]],
      ["equality of a boolean", { flag: true }, ["4"]],
      ["equality with an element", { tags: "red" }, ["1", "2"]],
      ["equality through dots", { "source.size": 3 }, ["2"]],
      ["equality through an array of objects", { "parts.id": 2 }, ["4"]],
      ["null matches null and missing", { state: null }, ["3", "4", "5"]],
      ["null does not match an empty array", { tags: null }, ["4", "5"]],
      ["null through dots", { "source.size": null }, ["1", "3", "4", "5"]],
      ["$in", { owner: { $in: ["bob", "eve"] } }, ["4", "5"]],
      ["$in with null", { rank: { $in: [1, null] } }, ["1", "5"]],
      ["$in of nothing", { owner: { $in: [] } }, []],
      ["$in of elements", { tags: { $in: ["red", "blue"] } }, ["1", "2"]],
      ["$gt keeps to the operand's type", { rank: { $gt: 0 } }, ["1", "2"]],
      ["$gte of strings", { rank: { $gte: "m" } }, ["3"]],
      ["$lt of dates", { rank: { $lt: new Date(100) } }, ["4"]],
      ["$lte and $gt", { rank: { $gt: 1, $lte: 2 } }, ["2"]],
      ["$exists", { state: { $exists: true } }, ["1", "2", "4"]],
      ["$exists false", { state: { $exists: false } }, ["3", "5"]],
      ["$exists of an empty array", { tags: { $exists: true } }, ["1", "2", "3", "4"]],
      ["$exists through dots", { "source.size": { $exists: true } }, ["2"]],
      ["$and", { $and: [{ owner: "ann" }, { tags: "red" }, { rank: { $gt: 1 } }] }, ["2"]],
      ["$or", { $or: [{ owner: "eve" }, { tags: "blue" }, { owner: "ann", rank: 1 }] }, ["1", "5"]],
      ["$or beside equality", { owner: "ann", $or: [{ rank: 2 }, { rank: "z" }] }, ["2", "3"]],
      ["several tests of one path", { $and: [{ rank: { $gt: 0 } }, { rank: { $lt: 2 } }] }, ["1"]],
      ["everything", {}, ["1", "2", "3", "4", "5"]],
    ];

    describe("filters", () => {
      let collection: Collection<Item>;
      beforeAll(async () => {
        collection = await holding(
          [
            { _id: "1", owner: "ann", rank: 1, tags: ["red", "blue"], state: "NEW" },
            { _id: "2", owner: "ann", rank: 2, tags: ["red"], state: "DONE", made: new Date(5), source: { size: 3 } },
            { _id: "3", owner: "ann", rank: "z", tags: [], bytes: Buffer.from("x"), source: {} },
            {
              _id: "4",
              owner: "bob",
              rank: new Date(9),
              tags: null,
              state: null,
              flag: true,
              parts: [{ id: 1 }, { id: 2 }],
            },
            { _id: "5", owner: "eve", rank: null, flag: false },
          ],
          "filtered",
        );
      });

      test.each(cases)("%s", async (_title, filter, expected) => {
        expect(await idsOf(collection, filter)).toEqual(expected);
        expect(await collection.countDocuments(filter)).toBe(expected.length);
      });
    });

    test("a range on an array holds when different elements satisfy its ends", async () => {
      const collection = await documents.collection<{ _id: string; numbers: number[] }>("numbers", {
        indexes: [{ keys: { numbers: 1 } }],
      });
      await collection.insertOne({ _id: "a", numbers: [0, 9] });
      await collection.insertOne({ _id: "b", numbers: [0] });
      expect((await collection.find({ numbers: { $gt: 3, $lt: 5 } }, { limit: 9 })).map(({ _id }) => _id)).toEqual([
        "a",
      ]);
    });

    test("strings compare by their UTF-8 bytes", async () => {
      const collection = await holding([
        { _id: "1", rank: "\u{1F600}" },
        { _id: "2", rank: "\uFFFD" },
        { _id: "3", rank: "z" },
      ]);
      const found = await collection.find({ rank: { $gte: "" } }, { sort: { rank: 1 }, limit: 9 });
      expect(found.map(({ _id }) => _id)).toEqual(["3", "2", "1"]);
      expect(await idsOf(collection, { rank: { $gt: "\uFFFD" } })).toEqual(["1"]);
    });

    describe("sort and limit", () => {
      let collection: Collection<Item>;
      beforeAll(async () => {
        const items = Array.from({ length: 30 }, (_, at): Item => ({
          _id: `id${String(at).padStart(2, "0")}`,
          owner: ["ann", "bob", "eve"][at % 3] ?? "",
          rank: Math.floor(at / 6),
          tags: at % 2 === 0 ? ["even", "number"] : ["number"],
        }));
        collection = await holding(items, "sorted");
      });

      async function sorted(filter: Filter<Item>, sort: Record<string, 1 | -1>, limit: number): Promise<string[]> {
        return (await collection.find(filter, { sort, limit })).map(({ _id }) => _id);
      }

      test("follows a compound index, forwards and reversed", async () => {
        const order = await sorted({ owner: "ann" }, { rank: -1, _id: -1 }, 100);
        expect(order).toEqual(["id27", "id24", "id21", "id18", "id15", "id12", "id09", "id06", "id03", "id00"]);
        expect(await sorted({ owner: "ann" }, { rank: 1, _id: 1 }, 100)).toEqual([...order].reverse());
        expect(await sorted({ owner: "ann" }, { rank: -1, _id: -1 }, 3)).toEqual(order.slice(0, 3));
      });

      test("merges the values of $in in order", async () => {
        const order = await sorted({ owner: { $in: ["ann", "bob", "ann", "nobody"] } }, { rank: -1, _id: -1 }, 5);
        expect(order).toEqual(["id28", "id27", "id25", "id24", "id22"]);
      });

      test("merges the branches of $or in order, each document once", async () => {
        const filter = {
          $or: [{ owner: "ann", rank: { $gte: 2 } }, { owner: "ann", rank: { $lte: 2 } }, { owner: "bob" }],
        };
        expect(await sorted(filter, { rank: -1, _id: -1 }, 100)).toHaveLength(20);
        expect(await sorted(filter, { rank: -1, _id: -1 }, 4)).toEqual(["id28", "id27", "id25", "id24"]);
      });

      test("pages by the last document's key", async () => {
        const pages: string[] = [];
        let filter: Filter<Item> = { owner: "bob" };
        for (let page = 0; page < 4; page++) {
          const found = await collection.find(filter, { sort: { rank: -1, _id: -1 }, limit: 4 });
          pages.push(...found.map(({ _id }) => _id));
          const last = found.at(-1);
          if (last === undefined || typeof last.rank !== "number") break;
          filter = { owner: "bob", $or: [{ rank: { $lt: last.rank } }, { rank: last.rank, _id: { $lt: last._id } }] };
        }
        expect(pages).toEqual(["id28", "id25", "id22", "id19", "id16", "id13", "id10", "id07", "id04", "id01"]);
      });

      test("takes a document once from an index of elements", async () => {
        const order = await sorted({ tags: { $in: ["even", "number"] } }, { rank: 1 }, 100);
        expect(new Set(order).size).toBe(30);
        expect(order).toHaveLength(30);
      });

      test("findOne takes the first", async () => {
        expect((await collection.findOne({ owner: "eve" }, { sort: { rank: -1, _id: -1 } }))?._id).toBe("id29");
      });
    });

    const updates: [string, Partial<Item>, Update<Item>, Partial<Item>][] = [
      ["$set", { owner: "a" }, { $set: { owner: "b", tags: ["x"] } }, { owner: "b", tags: ["x"] }],
      ["$set through dots", {}, { $set: { "source.deep.list": [1] } }, { source: { deep: { list: [1] } } }],
      [
        "$setOnInsert leaves a found one",
        { owner: "a" },
        { $set: { flag: true }, $setOnInsert: { owner: "b" } },
        { owner: "a", flag: true },
      ],
      ["$unset", { owner: "a", flag: true }, { $unset: { owner: true } }, { flag: true }],
      [
        "$unset through dots",
        { source: { size: 1, digest: "x" } },
        { $unset: { "source.size": true } },
        { source: { digest: "x" } },
      ],
      ["$unset of nothing", { flag: true }, { $unset: { "source.size": true } }, { flag: true }],
      ["$inc", { rank: 1 }, { $inc: { "source.size": 2 } }, { rank: 1, source: { size: 2 } }],
      [
        "$inc beyond 32 bits",
        { source: { size: 2 ** 31 - 1 } },
        { $inc: { "source.size": 1 } },
        { source: { size: 2 ** 31 } },
      ],
      ["$min", { rank: 5 }, { $min: { rank: 3 } }, { rank: 3 }],
      ["$min of a missing field", {}, { $min: { rank: 3 } }, { rank: 3 }],
      ["$max that is lower", { rank: 5 }, { $max: { rank: 3 } }, { rank: 5 }],
      ["$max over null", { rank: null }, { $max: { rank: 3 } }, { rank: 3 }],
      ["$max of a date", { made: new Date(1) }, { $max: { made: new Date(2) } }, { made: new Date(2) }],
      ["$push", { tags: ["a"] }, { $push: { tags: "a" } }, { tags: ["a", "a"] }],
      ["$push of an object", {}, { $push: { parts: { id: 1 } } }, { parts: [{ id: 1 }] }],
      ["$pull", { tags: ["a", "b", "a"] }, { $pull: { tags: "a" } }, { tags: ["b"] }],
      ["$pull of nothing", { flag: true }, { $pull: { tags: "a" } }, { flag: true }],
      ["$addToSet", { tags: ["a"] }, { $addToSet: { tags: "b" } }, { tags: ["a", "b"] }],
      ["$addToSet of what is there", { tags: ["a"] }, { $addToSet: { tags: "a" } }, { tags: ["a"] }],
    ];

    test.each(updates)("%s", async (_title, before, update, after) => {
      const collection = await holding([{ _id: "a", ...before }]);
      const expected = { _id: "a", request: "a", ...after };
      expect(await collection.findOneAndUpdate({ _id: "a" }, update)).toEqual(expected);
      expect(await collection.findOne({ _id: "a" })).toEqual(expected);
    });

    const impossible: [string, Partial<Item>, Update<Item>, string][] = [
      ["$inc of a string", { source: { digest: "x" } }, { $inc: { "source.digest": 1 } }, "$inc"],
      ["$push on a string", { source: { digest: "x" } }, { $push: { "source.digest": 1 } }, "$push"],
      ["$addToSet on a string", { source: { digest: "x" } }, { $addToSet: { "source.digest": 1 } }, "$addToSet"],
      ["$pull on a string", { source: { digest: "x" } }, { $pull: { "source.digest": "x" } }, "$pull"],
      ["$set through a string", { owner: "a" }, { $set: { "owner.name": 1 } }, "$set"],
      ["$set through null", { state: null }, { $set: { "state.name": 1 } }, "$set"],
      ["$set through an array", { parts: [{ id: 1 }] }, { $set: { "parts.id": 1 } }, "$set"],
    ];

    test.each(impossible)("%s is refused and changes nothing", async (_title, before, update) => {
      const collection = await holding([{ _id: "a", ...before }]);
      const change = collection.findOneAndUpdate({ _id: "a" }, { ...update, $min: { rank: 1 } });
      await expect(change).rejects.toBeInstanceOf(UnsupportedError);
      expect(await collection.findOne({ _id: "a" })).toEqual({ _id: "a", request: "a", ...before });
    });

    const refusedFilters: [string, unknown][] = [
      ["$ne", { owner: { $ne: 1 } }],
      ["$regex", { owner: { $regex: "a" } }],
      ["$eq", { owner: { $eq: "a" } }],
      ["$not", { owner: { $not: { $gt: 1 } } }],
      ["$elemMatch", { parts: { $elemMatch: { id: 1 } } }],
      ["$where", { $where: "true" }],
      ["$nor", { $nor: [{}] }],
      ["$text", { $text: { $search: "a" } }],
      ["$expr", { $or: [{ $expr: {} }] }],
      ["$or", { $or: [] }],
      ["$and", { $and: [] }],
      ["$in", { owner: { $in: "a" } }],
      ["$gt", { owner: { $gt: null } }],
      ["$lt", { owner: { $lt: true } }],
      ["$exists", { owner: { $exists: 1 } }],
      ["equality", { owner: undefined }],
      ["equality", { owner: /a/ }],
      ["equality", { owner: Number.NaN }],
      ["equality", { owner: 1n }],
      ["equality", { tags: ["a"] }],
      ["equality", { source: { size: 1 } }],
      ["equality", { source: {} }],
      ["path", { "parts.0": 1 }],
      ["path", { "a..b": 1 }],
      ["path", { "__proto__.a": 1 }],
      ["filter", []],
    ];

    test.each(refusedFilters)("a filter is refused by name: %s (%#)", async (operator, filter) => {
      const collection = await holding([]);
      const refused = expect.objectContaining({ name: "UnsupportedError", operator });
      await expect(collection.find(asStored(filter), { limit: 1 })).rejects.toEqual(refused);
      await expect(collection.findOne(asStored(filter))).rejects.toEqual(refused);
      await expect(collection.findOneAndUpdate(asStored(filter), { $set: { owner: "x" } })).rejects.toEqual(refused);
      await expect(collection.updateMany(asStored(filter), { $set: { owner: "x" } })).rejects.toEqual(refused);
      await expect(collection.deleteOne(asStored(filter))).rejects.toEqual(refused);
      await expect(collection.deleteMany(asStored(filter))).rejects.toEqual(refused);
      await expect(collection.countDocuments(asStored(filter))).rejects.toEqual(refused);
      await expect(collection.bulkWrite([{ deleteOne: { filter: asStored(filter) } }])).rejects.toEqual(refused);
    });

    const refusedUpdates: [string, unknown][] = [
      ["$rename", { $rename: { owner: "state" } }],
      ["$mul", { $mul: { rank: 2 } }],
      ["$currentDate", { $currentDate: { made: true } }],
      ["$pop", { $pop: { tags: 1 } }],
      ["owner", { owner: "x" }],
      ["update", {}],
      ["update", { $set: {} }],
      ["update", { $set: { owner: "x" }, $unset: { owner: true } }],
      ["update", { $set: { source: {} }, $inc: { "source.size": 1 } }],
      ["update", [{ $set: { owner: "x" } }]],
      ["$set", { $set: { _id: "b" } }],
      ["$unset", { $unset: { owner: 1 } }],
      ["$inc", { $inc: { rank: "1" } }],
      ["$inc", { $inc: { rank: Number.NaN } }],
      ["$max", { $max: { rank: { a: 1 } } }],
      ["$push", { $push: { tags: ["a"] } }],
      ["$pull", { $pull: { tags: { $in: ["a"] } } }],
      ["$addToSet", { $addToSet: { tags: { $each: ["a"] } } }],
      ["value", { $push: { tags: { $each: ["a"] } } }],
      ["value", { $set: { owner: undefined } }],
      ["value", { $set: { owner: 1n } }],
      ["value", { $set: { owner: new Map() } }],
      ["path", { $set: { "parts.$.id": 1 } }],
      ["path", { $set: { "parts.0.id": 1 } }],
    ];

    test.each(refusedUpdates)("an update is refused by name: %s (%#)", async (operator, update) => {
      const collection = await holding([{ _id: "a" }]);
      const refused = expect.objectContaining({ name: "UnsupportedError", operator });
      await expect(collection.findOneAndUpdate({ _id: "a" }, asStored(update))).rejects.toEqual(refused);
      await expect(collection.updateMany({}, asStored(update))).rejects.toEqual(refused);
      const bulk = [{ updateOne: { filter: { _id: "a" }, update: asStored(update) } }];
      await expect(collection.bulkWrite(bulk)).rejects.toEqual(refused);
      expect(await collection.findOne({ _id: "a" })).toEqual({ _id: "a", request: "a" });
    });

    const refusedDocuments: [string, unknown][] = [
      ["_id", { owner: "no identifier" }],
      ["_id", { _id: 1 }],
      ["_id", { _id: "" }],
      ["_id", { _id: "a\u0000b" }],
      ["_id", { _id: "x".repeat(241) }],
      ["value", { _id: "a", owner: undefined }],
      ["value", { _id: "a", rank: Number.POSITIVE_INFINITY }],
      ["value", { _id: "a", rank: 1n }],
      ["value", { _id: "a", owner: "\ud800" }],
      ["value", { _id: "a", made: new Date(Number.NaN) }],
      ["value", { _id: "a", source: { $set: 1 } }],
      ["value", { _id: "a", source: { "a.b": 1 } }],
      ["value", { _id: "a", parts: [[1]] }],
      ["value", { _id: "a", source: new Map() }],
      ["value", { _id: "a", source: Object.fromEntries([["__proto__", 1]]) }],
      ["value", "a"],
    ];

    test.each(refusedDocuments)("a document is refused by name: %s (%#)", async (operator, document) => {
      const collection = await holding([]);
      const refused = expect.objectContaining({ name: "UnsupportedError", operator });
      await expect(collection.insertOne(asStored(document))).rejects.toEqual(refused);
      await expect(collection.bulkWrite([{ insertOne: { document: asStored(document) } }])).rejects.toEqual(refused);
      expect(await collection.countDocuments({})).toBe(0);
    });

    test("a sort that no index serves is refused", async () => {
      const collection = await holding([]);
      const refused = expect.objectContaining({ name: "UnsupportedError", operator: "sort" });
      const sorts: [Filter<Item>, Record<string, 1 | -1>][] = [
        [{}, { made: 1 }],
        [{ owner: { $gt: "a" } }, { rank: -1, _id: -1 }],
        [{ owner: "a" }, { rank: -1, _id: 1 }],
        [{ $or: [{ owner: "a" }, { state: "NEW" }] }, { rank: 1, _id: 1 }],
      ];
      for (const [filter, sort] of sorts) {
        await expect(collection.find(filter, { sort, limit: 1 })).rejects.toEqual(refused);
        await expect(collection.findOneAndUpdate(filter, { $set: { owner: "x" } }, { sort })).rejects.toEqual(refused);
      }
    });

    test.each([0, -1, 1.5, 10_001, Number.NaN])("a limit of %d is refused", async (limit) => {
      const collection = await holding([]);
      await expect(collection.find({}, { limit })).rejects.toMatchObject({ operator: "limit" });
    });

    test.each([
      [{ keys: {} }],
      [{ keys: { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1 } }],
      [{ keys: { "a.b": 1, "a.c": 1 } }],
      [{ keys: { "a.0": 1 } }],
      [{ keys: { a: asStored("text") } }],
    ] satisfies [IndexDefinition][])("an index is refused: %j", async (index) => {
      await expect(documents.collection("refused", { indexes: [index] })).rejects.toBeInstanceOf(UnsupportedError);
    });

    test.each(["", "a b", "a/b", "system.users", "x".repeat(65)])("a collection named %j is refused", async (named) => {
      await expect(documents.collection(named)).rejects.toMatchObject({ operator: "collection" });
    });

    test("an _id is unique", async () => {
      const collection = await holding([{ _id: "a", owner: "first" }]);
      await expect(collection.insertOne({ _id: "a", request: "b" })).rejects.toBeInstanceOf(DuplicateKeyError);
      expect((await collection.findOne({ _id: "a" }))?.owner).toBe("first");
    });

    test("a unique index refuses inserts, and lets go what was removed", async () => {
      const one = { _id: "a", request: "r", flag: true };
      const collection = await holding([one, { _id: "b", request: "r", flag: false }]);
      const same = { _id: "c", request: "r", flag: true };
      await expect(collection.insertOne(same)).rejects.toBeInstanceOf(DuplicateKeyError);
      expect(await collection.deleteOne({ _id: "a" })).toBe(true);
      await collection.insertOne(same);
      await expect(collection.insertOne(one)).rejects.toBeInstanceOf(DuplicateKeyError);
    });

    testOf("unique indexes beyond inserts", "a unique index refuses changes, a missing field being null", async () => {
      const collection = await holding([
        { _id: "a", request: "r" },
        { _id: "b", request: "r", flag: false },
      ]);
      const change = collection.findOneAndUpdate({ _id: "b" }, { $unset: { flag: true } });
      await expect(change).rejects.toBeInstanceOf(DuplicateKeyError);
      expect((await collection.findOne({ _id: "b" }))?.flag).toBe(false);
      await collection.findOneAndUpdate({ _id: "a" }, { $set: { flag: true } });
      expect((await collection.findOneAndUpdate({ _id: "b" }, { $unset: { flag: true } }))?.flag).toBeUndefined();
      const upsert = collection.findOneAndUpdate({ _id: "c" }, { $set: { request: "r" } }, { upsert: true });
      await expect(upsert).rejects.toMatchObject({ name: "DuplicateKeyError", keys: ["request", "flag"] });
    });

    testOf("unique indexes beyond inserts", "a unique index is built over what is stored", async () => {
      const collection = await documents.collection<Item>("indexed_later");
      for (const _id of ["a", "b"]) await collection.insertOne({ _id, owner: "same" });
      await documents.close();
      documents = await open();
      const opened = documents.collection<Item>("indexed_later", { indexes: [{ keys: { owner: 1 }, unique: true }] });
      await expect(opened).rejects.toBeInstanceOf(DuplicateKeyError);
    });

    test("the filter of findOneAndUpdate is its precondition", async () => {
      const collection = await holding([{ _id: "a", rank: 1 }]);
      const change = { $inc: { "source.size": 1 } } as const;
      expect(await collection.findOneAndUpdate({ _id: "a", rank: 2 }, change)).toBeUndefined();
      expect(await collection.findOneAndUpdate({ _id: "a", rank: 1 }, change)).toMatchObject({ source: { size: 1 } });
    });

    test("findOneAndUpdate takes the first by the sort", async () => {
      const collection = await holding([
        { _id: "a", owner: "x", rank: 1 },
        { _id: "b", owner: "x", rank: 3 },
        { _id: "c", owner: "x", rank: 2 },
      ]);
      const change = { $set: { owner: "y" } };
      const taken: (string | undefined)[] = [];
      for (let turn = 0; turn < 4; turn++)
        taken.push((await collection.findOneAndUpdate({ owner: "x" }, change, { sort: { rank: -1, _id: -1 } }))?._id);
      expect(taken).toEqual(["b", "c", "a", undefined]);
    });

    test("an upsert inserts the filter's equalities, then the update", async () => {
      const collection = await holding([]);
      const upsert = { $inc: { rank: 2 }, $setOnInsert: { flag: true, request: "u" }, $push: { tags: "t" } } as const;
      const filter = { _id: "a", "source.size": 4, owner: "o", made: { $lt: new Date(9) } };
      const first = { _id: "a", source: { size: 4 }, owner: "o", rank: 2, flag: true, request: "u", tags: ["t"] };
      expect(await collection.findOneAndUpdate(filter, asStored(upsert), { upsert: true })).toEqual(first);
      const again = await collection.findOneAndUpdate({ _id: "a" }, { $inc: { "source.size": 1 } }, { upsert: true });
      expect(again).toEqual({ ...first, source: { size: 5 } });
      expect(await collection.countDocuments({})).toBe(1);
    });

    test("an upsert takes its _id from $setOnInsert", async () => {
      const collection = await holding([]);
      const update = { $setOnInsert: { _id: "a", request: "r" } };
      expect(await collection.findOneAndUpdate({ owner: "o" }, update, { upsert: true })).toMatchObject({
        _id: "a",
        owner: "o",
      });
      expect(await collection.findOneAndUpdate({ owner: "o" }, update, { upsert: true })).toMatchObject({ _id: "a" });
    });

    test("an upsert whose precondition does not hold finds its _id taken", async () => {
      const collection = await holding([{ _id: "a", rank: 1 }]);
      const upsert = collection.findOneAndUpdate({ _id: "a", rank: 2 }, { $set: { owner: "x" } }, { upsert: true });
      await expect(upsert).rejects.toBeInstanceOf(DuplicateKeyError);
      expect(await collection.findOne({ _id: "a" })).toEqual({ _id: "a", request: "a", rank: 1 });
    });

    test.each([
      ["upsert", { owner: "a" }],
      ["$in", { _id: { $in: ["a"] } }],
      ["$or", { _id: "a", $or: [{ owner: "b" }] }],
      ["upsert", { _id: "a", $and: [{ owner: "a" }, { owner: "b" }] }],
      ["_id", { _id: "" }],
    ] satisfies [string, Filter<Item>][])("the filter of an upsert is refused: %s (%#)", async (operator, filter) => {
      const collection = await holding([]);
      const upsert = collection.findOneAndUpdate(filter, { $set: { flag: true } }, { upsert: true });
      await expect(upsert).rejects.toMatchObject({ name: "UnsupportedError", operator });
    });

    testOf("atomic changes", "concurrent increments all count", async () => {
      const collection = await holding([{ _id: "a", source: { size: 0 } }]);
      const change = { $inc: { "source.size": 1 } } as const;
      await Promise.all(Array.from({ length: 40 }, () => collection.findOneAndUpdate({ _id: "a" }, change)));
      expect((await collection.findOne({ _id: "a" }))?.source?.size).toBe(40);
    });

    testOf("atomic changes", "concurrent claims each take another", async () => {
      const collection = await holding(
        Array.from({ length: 12 }, (_, at) => ({ _id: `j${at}`, state: "NEW" as const })),
      );
      const claim = () => collection.findOneAndUpdate({ state: "NEW" }, { $set: { state: "DONE" } });
      const claimed = await Promise.all(Array.from({ length: 16 }, claim));
      const ids = claimed.flatMap((item) => (item === undefined ? [] : [item._id]));
      expect(new Set(ids).size).toBe(12);
      expect(ids).toHaveLength(12);
    });

    test("updateMany and deleteMany change what matches, and nothing twice", async () => {
      const items = Array.from({ length: 20 }, (_, at) => ({ _id: `i${at}`, rank: at % 2, source: { size: 0 } }));
      const collection = await holding(items);
      expect(
        await collection.updateMany({ rank: { $gte: 1 } }, { $set: { rank: 5 }, $inc: { "source.size": 1 } }),
      ).toBe(10);
      expect(await collection.countDocuments({ rank: 5, "source.size": 1 })).toBe(10);
      expect(await collection.updateMany({ rank: 9 }, { $set: { rank: 1 } })).toBe(0);
      expect(await collection.deleteMany({ rank: { $in: [5, 7] } })).toBe(10);
      expect(await collection.countDocuments({})).toBe(10);
      expect(await collection.deleteMany({})).toBe(10);
      expect(await collection.deleteOne({})).toBe(false);
    });

    test("an index follows what changes", async () => {
      const collection = await holding([{ _id: "a", tags: ["x", "y"], owner: "o" }]);
      await collection.findOneAndUpdate({ _id: "a" }, { $pull: { tags: "x" }, $set: { owner: "p" } });
      expect(await idsOf(collection, { tags: "x" })).toEqual([]);
      expect(await idsOf(collection, { tags: "y" })).toEqual(["a"]);
      expect(await idsOf(collection, { owner: "o" })).toEqual([]);
      expect(await idsOf(collection, { owner: "p" })).toEqual(["a"]);
      await collection.deleteOne({ _id: "a" });
      expect(await idsOf(collection, { owner: "p" })).toEqual([]);
    });

    test("a bulk write goes in order and counts", async () => {
      const collection = await holding([{ _id: "a", rank: 1 }]);
      const done = await collection.bulkWrite([
        { insertOne: { document: { _id: "b", request: "b" } } },
        { updateOne: { filter: { _id: "b" }, update: { $set: { rank: 2 } } } },
        { updateOne: { filter: { _id: "c" }, update: { $set: { rank: 3, request: "c" } }, upsert: true } },
        { updateOne: { filter: { _id: "d" }, update: { $set: { rank: 4 } } } },
        { deleteOne: { filter: { _id: "a" } } },
      ]);
      expect(done).toEqual({ inserted: 1, matched: 1, upserted: 1, deleted: 1 });
      expect(await idsOf(collection, { rank: { $gt: 0 } })).toEqual(["b", "c"]);
      expect(await collection.bulkWrite([])).toEqual({ inserted: 0, matched: 0, upserted: 0, deleted: 0 });
    });

    test("a bulk write stops at the first that fails and keeps what came before", async () => {
      const collection = await holding([{ _id: "a" }]);
      const write = collection.bulkWrite([
        { insertOne: { document: { _id: "b", request: "b" } } },
        { insertOne: { document: { _id: "a", request: "c" } } },
        { insertOne: { document: { _id: "d", request: "d" } } },
      ]);
      await expect(write).rejects.toBeInstanceOf(DuplicateKeyError);
      expect(await idsOf(collection, {})).toEqual(["a", "b"]);
    });

    test("strings beyond what an index keeps are found and unique all the same", async () => {
      const long = "x".repeat(2000);
      const collection = await holding([
        { _id: "a", owner: `${long}1`, request: `${long}1`, flag: true },
        { _id: "b", owner: `${long}2`, request: `${long}2`, flag: true },
      ]);
      expect(await idsOf(collection, { owner: `${long}2` })).toEqual(["b"]);
      expect(await idsOf(collection, { owner: { $gt: `${long}1` } })).toEqual(["b"]);
      expect(await idsOf(collection, { owner: { $gte: long, $lt: `${long}2` } })).toEqual(["a"]);
      const same = collection.insertOne({ _id: "c", request: `${long}1`, flag: true });
      await expect(same).rejects.toBeInstanceOf(DuplicateKeyError);
    });

    test("after close every call says so", async () => {
      const collection = await holding([]);
      await documents.close();
      await documents.close();
      await expect(documents.ping()).rejects.toBeInstanceOf(StoreUnavailableError);
      await expect(collection.insertOne({ _id: "a" })).rejects.toBeInstanceOf(StoreUnavailableError);
      await expect(collection.find({}, { limit: 1 })).rejects.toBeInstanceOf(StoreUnavailableError);
      documents = await open();
      await expect(documents.ping()).resolves.toBeUndefined();
    });
  });
}
