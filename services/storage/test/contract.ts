import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ObjectName } from "../src/names.js";
import type { ObjectStore } from "../src/object-store.js";
import {
  blockOf,
  collect,
  objectName,
  prefixOf,
  randomBlock,
  readAll,
  reasonOf,
  stageRandom,
  storeRandom,
} from "./support.js";

/** A store under test, and how to end it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  stop(): Promise<void>;
}

const TYPE = { contentType: "video/mp4" };

/** What every object store does. */
export function describeObjectStore(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let store: ObjectStore;
  let count = 0;
  /** A name that no other test uses. */
  const fresh = (): ObjectName => objectName(`contract/${count++}/object`);

  beforeAll(async () => {
    under = await open();
    store = under.store;
  });
  afterAll(() => under.stop());

  describe("staging and committing", () => {
    test("an object is the blocks of its commit in their order", async () => {
      const name = fresh();
      const first = randomBlock(1, 1000);
      const second = randomBlock(2, 10);
      for (const { block, data } of [first, second]) await store.stage(name, block, data);
      const object = await store.commit(name, {
        blocks: [second.block, first.block],
        contentType: "audio/mp4; codecs=opus",
      });
      const composite = createHash("sha256").update(second.block.sha256).update(first.block.sha256).digest();
      expect(object).toMatchObject({ name, size: 1010, contentType: "audio/mp4; codecs=opus" });
      expect(Buffer.from(object.composite)).toEqual(composite);
      expect(await store.get(name)).toEqual(object);
      expect(await readAll(store, name)).toEqual(Buffer.concat([second.data, first.data]));
    });

    test("what is staged cannot be seen", async () => {
      const name = fresh();
      await stageRandom(store, name, [10]);
      expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
      expect(await reasonOf(readAll(store, name))).toBe("RESOURCE_NOT_FOUND");
      expect(await store.list(prefixOf(name.replace(/object$/, "")), { limit: 10 })).toEqual({ objects: [] });
    });

    test("an object made again of the blocks that it is described by is the same version", async () => {
      const name = fresh();
      const { object, blocks } = await storeRandom(store, name, [10, 20, 5], 3);
      const described = await store.describe(name);
      expect(described).toEqual({ object, blocks: blocks.map((block) => ({ ...block, sha256: block.sha256 })) });
      const copy = fresh();
      const bytes = await readAll(store, name);
      let at = 0;
      for (const block of described.blocks) await store.stage(copy, block, bytes.subarray(at, (at += block.size)));
      const made = await store.commit(copy, { blocks: described.blocks, ...TYPE });
      expect({ etag: made.etag, composite: made.composite }).toEqual({
        etag: object.etag,
        composite: object.composite,
      });
      expect(await reasonOf(store.describe(fresh()))).toBe("RESOURCE_NOT_FOUND");
    });

    test("an object may be empty", async () => {
      const name = fresh();
      const object = await store.commit(name, { blocks: [], ...TYPE });
      expect(object.size).toBe(0);
      expect(await readAll(store, name)).toEqual(Buffer.alloc(0));
      expect(await readAll(store, name, { length: 5 })).toEqual(Buffer.alloc(0));
    });

    test("a block that was not staged is named, and nothing changes", async () => {
      const name = fresh();
      const { block, data } = randomBlock(7, 10);
      await store.stage(name, block, data);
      const absent = randomBlock(8, 10).block;
      await expect(store.commit(name, { blocks: [block, absent], ...TYPE })).rejects.toMatchObject({
        reason: "BLOCK_NOT_STAGED",
        metadata: { block: "00000001-00000008" },
      });
      expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
      expect(await reasonOf(store.commit(name, { blocks: [block], ...TYPE }))).toBeUndefined();
    });

    test("a commit that names another digest or size than was staged is refused", async () => {
      const name = fresh();
      const { block, data } = randomBlock(1, 10);
      await store.stage(name, block, data);
      const otherDigest = { ...block, sha256: Buffer.alloc(32) };
      expect(await reasonOf(store.commit(name, { blocks: [otherDigest], ...TYPE }))).toBe("BLOCK_NOT_STAGED");
      expect(await reasonOf(store.commit(name, { blocks: [{ ...block, size: 9 }], ...TYPE }))).toBe("BLOCK_NOT_STAGED");
    });

    test("of two blocks with one id the commit takes the one it means", async () => {
      const name = fresh();
      const first = blockOf(1, Buffer.from("first"));
      const second = blockOf(1, Buffer.from("again"));
      for (const { block, data } of [first, second, second]) await store.stage(name, block, data);
      await store.commit(name, { blocks: [second.block], ...TYPE });
      expect((await readAll(store, name)).toString()).toBe("again");
    });

    test("a commit repeated changes nothing", async () => {
      const name = fresh();
      const { object, blocks } = await storeRandom(store, name, [10, 20]);
      expect(await store.commit(name, { blocks, ...TYPE })).toEqual(object);
      expect(await store.commit(name, { blocks, ...TYPE, precondition: { kind: "create only" } })).toEqual(object);
      const outdated = { kind: "if match", etag: "before" } as const;
      expect(await store.commit(name, { blocks, ...TYPE, precondition: outdated })).toEqual(object);
    });

    test("a commit replaces the object and forgets all other blocks", async () => {
      const name = fresh();
      const before = await storeRandom(store, name, [10], 1);
      const forgotten = randomBlock(9, 10, 2);
      await store.stage(name, forgotten.block, forgotten.data);
      const after = await storeRandom(store, name, [30], 2);
      expect(after.object.etag).not.toBe(before.object.etag);
      expect(await readAll(store, name)).toEqual(after.bytes);
      expect(await reasonOf(store.commit(name, { blocks: [forgotten.block], ...TYPE }))).toBe("BLOCK_NOT_STAGED");
      expect(await reasonOf(store.commit(name, { blocks: before.blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
    });

    test("blocks of the object as it is may be part of the next", async () => {
      const name = fresh();
      const before = await storeRandom(store, name, [10]);
      const more = randomBlock(5, 5);
      await store.stage(name, more.block, more.data);
      await store.commit(name, { blocks: [...before.blocks, more.block], ...TYPE });
      expect(await readAll(store, name)).toEqual(Buffer.concat([before.bytes, more.data]));
    });

    test("the type alone makes another version", async () => {
      const name = fresh();
      const { object, blocks } = await storeRandom(store, name, [10]);
      const retyped = await store.commit(name, { blocks, contentType: "video/webm" });
      expect(retyped.contentType).toBe("video/webm");
      expect(retyped.etag).not.toBe(object.etag);
    });
  });

  describe("preconditions", () => {
    test("create only: not over another object", async () => {
      const name = fresh();
      const first = await stageRandom(store, name, [10], 1);
      const precondition = { kind: "create only" } as const;
      await store.commit(name, { blocks: first.blocks, ...TYPE, precondition });
      const second = await stageRandom(store, name, [10], 2);
      expect(await reasonOf(store.commit(name, { blocks: second.blocks, ...TYPE, precondition }))).toBe(
        "OBJECT_EXISTS",
      );
      expect(await readAll(store, name)).toEqual(first.bytes);
    });

    test("if match: only over the version that was seen", async () => {
      const name = fresh();
      const { blocks: orphan } = await stageRandom(store, name, [10]);
      const seen = { kind: "if match", etag: "seen" } as const;
      expect(await reasonOf(store.commit(name, { blocks: orphan, ...TYPE, precondition: seen }))).toBe("ETAG_MISMATCH");
      const { object } = await storeRandom(store, name, [20], 2);
      const { blocks, bytes } = await stageRandom(store, name, [30], 3);
      expect(await reasonOf(store.commit(name, { blocks, ...TYPE, precondition: seen }))).toBe("ETAG_MISMATCH");
      await store.commit(name, { blocks, ...TYPE, precondition: { kind: "if match", etag: object.etag } });
      expect(await readAll(store, name)).toEqual(bytes);
    });

    test("of many who create one object at once, one does", async () => {
      const name = fresh();
      const writers = await Promise.all([1, 2, 3, 4, 5].map((fence) => stageRandom(store, name, [10], fence)));
      const precondition = { kind: "create only" } as const;
      const reasons = await Promise.all(
        writers.map(({ blocks }) => reasonOf(store.commit(name, { blocks, ...TYPE, precondition }))),
      );
      const winner = reasons.indexOf(undefined);
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1);
      expect(reasons.every((reason) => reason === undefined || reason === "OBJECT_EXISTS")).toBe(true);
      expect(await readAll(store, name)).toEqual(writers[winner]?.bytes);
    });

    test("of many who replace one version at once, one does", async () => {
      const name = fresh();
      const { object, blocks, bytes } = await storeRandom(store, name, [10, 20]);
      const [first] = blocks;
      if (!first) throw new Error("no block");
      const precondition = { kind: "if match", etag: object.etag } as const;
      const reasons = await Promise.all(
        ["a/a", "a/b", "a/c"].map((contentType) => reasonOf(store.commit(name, { blocks, contentType, precondition }))),
      );
      expect(reasons.toSorted()).toEqual(["ETAG_MISMATCH", "ETAG_MISMATCH", undefined]);
      expect(await readAll(store, name)).toEqual(bytes);
    });

    test("one commit sent many times at once is one commit", async () => {
      const name = fresh();
      const { blocks } = await stageRandom(store, name, [10, 20]);
      const commit = () => store.commit(name, { blocks, ...TYPE, precondition: { kind: "create only" } });
      const objects = await Promise.all([commit(), commit(), commit(), commit()]);
      expect(new Set(objects.map(({ etag }) => etag)).size).toBe(1);
      expect(objects).toContainEqual(await store.get(name));
    });
  });

  describe("discarding and deleting", () => {
    test("what is discarded cannot be committed, and nothing was ever to be seen", async () => {
      const name = fresh();
      const { blocks } = await stageRandom(store, name, [10, 10]);
      await store.discard(name);
      expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
      expect(await reasonOf(store.commit(name, { blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
      await store.discard(name);
    });

    test("discarding leaves a committed object as it is", async () => {
      const name = fresh();
      const { object, bytes } = await storeRandom(store, name, [10, 20]);
      const { blocks } = await stageRandom(store, name, [30], 2);
      await store.discard(name);
      expect(await store.get(name)).toEqual(object);
      expect(await readAll(store, name)).toEqual(bytes);
      expect(await reasonOf(store.commit(name, { blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
    });

    test("deleting removes the object and what is staged, and can be repeated", async () => {
      const name = fresh();
      const { blocks } = await storeRandom(store, name, [10]);
      const staged = await stageRandom(store, name, [10], 2);
      await store.delete(name);
      await store.delete(name);
      expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
      expect(await reasonOf(readAll(store, name))).toBe("RESOURCE_NOT_FOUND");
      expect(await reasonOf(store.commit(name, { blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
      expect(await reasonOf(store.commit(name, { blocks: staged.blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
    });

    test("deleting what is only staged removes that", async () => {
      const name = fresh();
      const { blocks } = await stageRandom(store, name, [10]);
      await store.delete(name);
      expect(await reasonOf(store.commit(name, { blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
    });

    test("a name can be used again", async () => {
      const name = fresh();
      await storeRandom(store, name, [10]);
      await store.delete(name);
      const { bytes } = await storeRandom(store, name, [20], 2);
      expect(await readAll(store, name)).toEqual(bytes);
    });
  });

  describe("reading", () => {
    const sizes = [1000, 1, 300 * 1024, 7];

    test("any range is that part of the whole", async () => {
      const name = fresh();
      const { bytes } = await storeRandom(store, name, sizes);
      const within = fc.tuple(fc.nat(bytes.length - 1), fc.option(fc.nat(bytes.length + 10), { nil: undefined }));
      await fc.assert(
        fc.asyncProperty(within, async ([offset, length]) => {
          const end = length === undefined ? bytes.length : offset + length;
          const read = await readAll(store, name, { offset, length });
          expect(read.equals(bytes.subarray(offset, end))).toBe(true);
        }),
        { numRuns: 60, examples: [[[999, 3]], [[1000, 1]], [[1001, undefined]], [[0, 0]], [[5, 2 ** 52]]] },
      );
    });

    test("no piece is larger than 256 KiB", async () => {
      const name = fresh();
      await storeRandom(store, name, [1024 * 1024]);
      const { bytes } = await store.open(name, { offset: 0 }, new AbortController().signal);
      const lengths: number[] = [];
      for await (const chunk of bytes) lengths.push(chunk.length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(256 * 1024);
      expect(Math.min(...lengths)).toBeGreaterThan(0);
    });

    test("an offset at or beyond the end is refused with the size", async () => {
      const name = fresh();
      await storeRandom(store, name, [10]);
      for (const range of [{ offset: 10 }, { offset: 11, length: 1 }, { offset: 10, length: 0 }, { offset: 2 ** 52 }])
        await expect(readAll(store, name, range)).rejects.toMatchObject({
          reason: "RANGE_NOT_SATISFIABLE",
          metadata: { size_bytes: "10" },
        });
    });

    test("only the wanted version is read", async () => {
      const name = fresh();
      const { object, bytes } = await storeRandom(store, name, [10]);
      expect(await readAll(store, name, { ifMatch: object.etag })).toEqual(bytes);
      expect(await reasonOf(readAll(store, name, { ifMatch: "other" }))).toBe("ETAG_MISMATCH");
      expect(await reasonOf(readAll(store, name, { ifMatch: "other", length: 0 }))).toBe("ETAG_MISMATCH");
    });

    test("a reader whose object is replaced or deleted gets the version it opened or an error", async () => {
      const mebibyte = 1024 * 1024;
      for (const change of ["replaced", "deleted"] as const) {
        const name = fresh();
        const { bytes } = await storeRandom(
          store,
          name,
          Array.from({ length: 8 }, () => mebibyte),
        );
        const opened = await store.open(name, { offset: 0 }, new AbortController().signal);
        if (change === "replaced") await storeRandom(store, name, [8 * mebibyte - 4 * mebibyte], 2);
        else await store.delete(name);
        const outcome = await collect(opened).catch((error: unknown) => error);
        if (Buffer.isBuffer(outcome)) expect(outcome.equals(bytes)).toBe(true);
        else expect(outcome).toMatchObject({ reason: change === "replaced" ? "ETAG_MISMATCH" : "RESOURCE_NOT_FOUND" });
      }
    });

    test("many may read one object at once, and leave", async () => {
      const name = fresh();
      const { bytes } = await storeRandom(store, name, [1024 * 1024, 1024 * 1024]);
      const leave = async () => {
        const opened = await store.open(name, { offset: 0 }, new AbortController().signal);
        for await (const chunk of opened.bytes) return chunk.length;
        return 0;
      };
      const stay = () => readAll(store, name);
      const results = await Promise.all([leave(), stay(), leave(), stay(), leave()]);
      expect(results.every((read) => typeof read === "number" || read.equals(bytes))).toBe(true);
      expect(results.filter((length) => typeof length === "number" && length > 0)).toHaveLength(3);
    });
  });

  describe("listing", () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_-]([.a-cA-C_-]{0,3}[A-Za-z0-9_-])?$/);
    const paths = fc.uniqueArray(
      fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/")),
      { minLength: 1, maxLength: 12 },
    );

    test("objects come in the order of their names' bytes, page by page, each once", async () => {
      await fc.assert(
        fc.asyncProperty(paths, fc.integer({ min: 1, max: 5 }), async (found, limit) => {
          const prefix = `lists/${count++}/`;
          for (const path of found) await store.commit(objectName(`${prefix}${path}`), { blocks: [], ...TYPE });
          const listed: string[] = [];
          let from: string | undefined;
          do {
            const page = await store.list(prefixOf(prefix), { limit, from });
            expect(page.objects.length).toBeLessThanOrEqual(limit);
            listed.push(...page.objects.map(({ name }) => name.slice(prefix.length)));
            from = page.next;
          } while (from !== undefined);
          expect(listed).toEqual(found.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        }),
        { numRuns: 15, examples: [[["a", "a/b", "a-b", "a.b", "a0", "A", "a/b/c"], 2]] },
      );
    });

    test("an object is listed as it is got", async () => {
      const name = fresh();
      const { object } = await storeRandom(store, name, [10]);
      const { objects } = await store.list(prefixOf(name.replace(/object$/, "")), { limit: 10 });
      expect(objects).toEqual([object]);
    });

    test("a page goes on where the one before ended, whatever was deleted between", async () => {
      const prefix = `lists/${count++}/`;
      for (const path of ["a", "b", "c", "d"]) await store.commit(objectName(prefix + path), { blocks: [], ...TYPE });
      const { next } = await store.list(prefixOf(prefix), { limit: 2 });
      await store.delete(objectName(`${prefix}b`));
      await store.delete(objectName(`${prefix}c`));
      const { objects } = await store.list(prefixOf(prefix), { limit: 2, from: next });
      expect(objects.map(({ name }) => name)).toEqual([`${prefix}d`]);
    });

    test("a prefix without objects is an empty list", async () => {
      expect(await store.list(prefixOf("nothing/here/"), { limit: 5 })).toEqual({ objects: [] });
    });
  });

  test("the store answers", async () => {
    expect(await reasonOf(store.check())).toBeUndefined();
  });
}
