import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MongoClient } from "mongodb";
import type { Collection, Documents, StoredDocument } from "../src/collection.js";
import { openData } from "../src/data.js";
import { DuplicateKeyError } from "../src/errors.js";
import { openDocuments } from "../src/open.js";
import { migrateDocuments } from "../src/operations/migrate.js";
import { createSchema, type Migration } from "../src/schema.js";
import { asStored } from "../src/typed.js";
import { versioned, type VersionedCollection } from "../src/versioned.js";
import { temporaryFolders } from "./temporary.js";

/** As the first version keeps it. */
interface Film extends StoredDocument {
  readonly title: string;
  readonly revision: number;
  readonly length?: number;
}

/** As later ones do: with what derives from the title; with the length in other units; under another name. */
interface LaterFilm extends Film {
  readonly initial: string;
  readonly lengthMs?: number;
}

const addInitial: Migration = {
  up: (film) => ({ ...film, initial: typeof film.title === "string" ? film.title.slice(0, 1) : "" }),
};
const lengthInMs: Migration = {
  breaking: true,
  up({ length, ...film }) {
    return typeof length === "number" ? { ...film, lengthMs: length * 1000 } : film;
  },
};

const temporaryFolder = temporaryFolders();
const url = process.env.TEST_MONGODB_URL;
const database = `versioned_${randomUUID().slice(0, 8)}`;

suite("embedded", async () => openDocuments({ folder: await temporaryFolder() }));
if (url !== undefined) {
  afterAll(async () => {
    const client = new MongoClient(url);
    await client.db(database).dropDatabase();
    await client.close();
  });
  suite("MongoDB", () => openDocuments({ url, database }));
} else if (process.env.CI === "true") {
  test("schemas: MongoDB", () => {
    throw new Error("TEST_MONGODB_URL is not set.");
  });
} else test.skip("schemas: MongoDB (skipped: TEST_MONGODB_URL is not set)", () => undefined);

function suite(name: string, open: () => Promise<Documents>): void {
  describe(`schemas: ${name}`, () => {
    let documents: Documents;
    beforeAll(async () => {
      documents = await open();
    });
    afterAll(() => documents.close());

    /** One collection as three versions of a program see it, and as it is stored. */
    async function programs() {
      const stored = await documents.collection<Film>(`films-${randomUUID().slice(0, 8)}`);
      const as = <T extends Film>(...steps: readonly Migration[]): VersionedCollection<T> =>
        versioned<T>(asStored(stored), createSchema("films", steps));
      return {
        stored,
        first: as<Film>(),
        second: as<LaterFilm>(addInitial),
        third: as<LaterFilm>(addInitial, lengthInMs),
      };
    }

    test("a document is marked with the version that wrote it", async () => {
      const { stored, first, second, third } = await programs();
      await first.insertOne({ _id: "a", title: "A", revision: 1 });
      await second.insertOne({ _id: "b", title: "B", revision: 1, initial: "B" });
      await third.insertOne({ _id: "c", title: "C", revision: 1, initial: "C" });
      expect(await all(stored)).toMatchObject([{ schema: 1 }, { schema: 2 }, { schema: 3, minSchema: 3 }]);
      expect(await stored.findOne({ _id: "b" })).not.toHaveProperty("minSchema");
    });

    test("an older document, also one from before there were versions, is read in the present form", async () => {
      const { stored, third } = await programs();
      await stored.insertOne({ _id: "a", title: "Alien", revision: 1, length: 7 });
      expect(await third.findOne({ _id: "a" })).toEqual({
        ...{ _id: "a", title: "Alien", revision: 1, initial: "A", lengthMs: 7000, schema: 3, minSchema: 3 },
      });
      expect(await third.find({}, { limit: 5 })).toMatchObject([{ lengthMs: 7000 }]);
      expect(await stored.findOne({ _id: "a" })).toEqual({ _id: "a", title: "Alien", revision: 1, length: 7 });
    });

    test("it is written in the present form when it is next changed, whatever changes", async () => {
      const { stored, third } = await programs();
      await stored.insertOne({ _id: "a", title: "Alien", revision: 1, length: 7 });
      const changed = await third.findOneAndUpdate({ _id: "a", revision: 1 }, { $inc: { revision: 1 } });
      expect(changed).toMatchObject({ revision: 2, initial: "A", lengthMs: 7000 });
      expect(await stored.findOne({ _id: "a" })).toEqual(changed);
      expect(await third.findOneAndUpdate({ _id: "a", revision: 1 }, { $inc: { revision: 1 } })).toBeUndefined();
      expect(await third.findOneAndUpdate({ _id: "b" }, { $inc: { revision: 1 } })).toBeUndefined();
    });

    test("an upsert changes an older document, and inserts in the present form", async () => {
      const { stored, second } = await programs();
      await stored.insertOne({ _id: "a", title: "Alien", revision: 1 });
      const upsert = (_id: string) =>
        second.findOneAndUpdate({ _id, revision: { $lte: 3 } }, { $set: { revision: 3 } }, { upsert: true });
      expect(await upsert("a")).toMatchObject({ title: "Alien", revision: 3, initial: "A", schema: 2 });
      expect(await upsert("b")).toMatchObject({ revision: 3, schema: 2 });
      await second.findOneAndUpdate({ _id: "a" }, { $set: { revision: 4 } });
      await expect(upsert("a")).rejects.toBeInstanceOf(DuplicateKeyError);
    });

    test("an older program reads and changes what a newer one wrote, and loses nothing of it", async () => {
      const { stored, first, second } = await programs();
      await second.insertOne({ _id: "a", title: "Alien", revision: 1, initial: "A" });
      expect(await first.findOne({ _id: "a" })).toMatchObject({ title: "Alien", initial: "A" });
      await first.findOneAndUpdate({ _id: "a", revision: 1 }, { $set: { title: "Brazil" }, $inc: { revision: 1 } });
      // What derives from the title is stale now, and says so: it was written by the first version.
      expect(await stored.findOne({ _id: "a" })).toMatchObject({ schema: 1, initial: "A" });
      expect(await second.findOne({ _id: "a" })).toMatchObject({ title: "Brazil", initial: "B" });
    });

    test("an older program refuses what it cannot honour, reading and writing, with a sentence", async () => {
      const { stored, first, second, third } = await programs();
      await third.insertOne({ _id: "a", title: "Alien", revision: 1, initial: "A", lengthMs: 5 });
      const before = await stored.findOne({ _id: "a" });
      for (const older of [first, second]) {
        const refused = [
          older.findOne({ _id: "a" }),
          older.find({}, { limit: 1 }),
          older.findOneAndUpdate({ _id: "a" }, { $set: { title: "B" } }),
        ];
        for (const work of await Promise.allSettled(refused))
          expect(work).toMatchObject({ status: "rejected", reason: { reason: "NEWER_DATA" } });
      }
      expect(await stored.findOne({ _id: "a" })).toEqual(before);
      await expect(first.findOne({ _id: "a" })).rejects.toThrow(
        "films/a was written by a newer version (schema 3, this one knows 1): update this service.",
      );
    });

    test("a migration writes all of them, in pages, while an older program goes on; repeated, it has nothing to do", async () => {
      const name = `many-${randomUUID().slice(0, 8)}`;
      const stored = await documents.collection<Film>(name);
      const count = 450;
      await stored.bulkWrite(
        Array.from({ length: count }, (_, index) => ({
          insertOne: { document: { _id: String(index).padStart(4, "0"), title: `t${index}`, revision: 0, length: 1 } },
        })),
      );
      const first = versioned(stored, createSchema(name));
      const data = await openData(documents);
      await data.collection<LaterFilm>(name, { migrations: [addInitial] });
      const kept = data.kept.get(name);
      if (!kept) throw new Error("It was opened");
      /** The older program changes these, each before or after the migration comes to it. */
      const retitle = async (ids: readonly string[]) => {
        for (const _id of ids)
          await first.findOneAndUpdate({ _id }, { $set: { title: "Zardoz" }, $inc: { revision: 1 } });
      };
      let page: string[] = [];
      const amid: Collection<StoredDocument> = {
        ...kept.stored,
        async find(filter, options) {
          const found = await kept.stored.find(filter, options);
          page = found.map(({ _id }) => _id).filter((_id) => Number(_id) % 11 === 0);
          await retitle(page.filter((_id) => Number(_id) % 2 === 0));
          return found;
        },
      };
      const steps: { examined: number; migrated: number }[] = [];
      for await (const step of migrateDocuments({ ...kept, stored: amid }, new AbortController().signal)) {
        await retitle(page.filter((_id) => Number(_id) % 2 === 1));
        steps.push(step);
      }
      expect(steps.map(({ examined }) => examined)).toEqual([200, 400, 450]);
      // What the older program wrote after its turn is left to the next run, and read right all the same.
      const films = await (await openData(documents)).collection<LaterFilm>(name, { migrations: [addInitial] });
      for (const film of await films.find({}, { limit: 1000 })) expect(film.initial).toBe(film.title.slice(0, 1));
      for await (const step of migrateDocuments(kept, new AbortController().signal)) steps.push(step);
      const written = await stored.find({}, { limit: 1000 });
      expect(written).toHaveLength(count);
      for (const film of written) expect(film).toMatchObject({ schema: 2, length: 1, initial: film.title.slice(0, 1) });
      expect(written.filter(({ title, revision }) => title === "Zardoz" && revision === 1)).toHaveLength(41);
      const again: unknown[] = [];
      for await (const step of migrateDocuments(kept, new AbortController().signal)) again.push(step);
      expect(again.at(-1)).toEqual({ examined: count, migrated: 0 });
    });
  });
}

async function all(stored: Collection<Film>): Promise<Film[]> {
  return stored.find({}, { sort: { _id: 1 }, limit: 100 });
}

test("whichever versions write in turn, every version reads what was last written", async () => {
  const documents = await openDocuments({ folder: await temporaryFolder() });
  let run = 0;
  const writers = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom("Alien", "Brazil", "Cube")), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(writers, async (writes) => {
      const stored = await documents.collection<Film>(`run-${run++ % 20}`);
      await stored.deleteMany({});
      await stored.insertOne({ _id: "a", title: "Zardoz", revision: 0 });
      const as = [versioned(stored, createSchema("f")), versioned(stored, createSchema("f", [addInitial]))] as const;
      let title = "Zardoz";
      for (const [version, next] of writes) {
        const before = await as[version].findOne({ _id: "a" });
        expect(before).toMatchObject({ title });
        await as[version].findOneAndUpdate(
          { _id: "a" },
          asStored({
            $set: { title: next, ...(version === 1 ? { initial: next.slice(0, 1) } : {}) },
            $inc: { revision: 1 },
          }),
        );
        title = next;
        expect(await as[1].findOne({ _id: "a" })).toMatchObject({ title, initial: title.slice(0, 1) });
      }
    }),
    { numRuns: 60 },
  );
  await documents.close();
});
