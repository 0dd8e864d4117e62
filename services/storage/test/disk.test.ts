import { appendFile, mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { STAGED_LIFE_MS } from "../src/block.js";
import { openDiskStore, type DiskStore } from "../src/disk/store.js";
import { describeObjectStore } from "./contract.js";
import {
  objectName,
  prefixOf,
  randomBlock,
  readAll,
  reasonOf,
  stageRandom,
  storeRandom,
  swept,
  temporaryFolder,
} from "./support.js";

const TYPE = { contentType: "video/mp4" };
const MEBIBYTE = 1024 * 1024;
const never = new AbortController().signal;

describe("the disk", () => {
  describeObjectStore(async () => {
    const folder = await temporaryFolder();
    const store = await openDiskStore(folder.path);
    return {
      store,
      async stop() {
        await store.close();
        await folder.remove();
      },
    };
  });
});

describe("a folder on disk", () => {
  const name = objectName("videos/a");
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let store: DiskStore;

  beforeEach(async () => {
    folder = await temporaryFolder();
    store = await openDiskStore(folder.path);
  });
  afterEach(async () => {
    await store.close();
    await folder.remove();
  });

  /** Every file in the store, by its path. */
  const files = async () => {
    const entries = await readdir(folder.path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  };
  const blockFiles = async () => (await files()).filter((file) => !file.endsWith("manifest"));
  const weekLater = () => new Date(Date.now() + STAGED_LIFE_MS + 60_000);

  test("opened again, it has what was committed and what was staged", async () => {
    const { object, bytes } = await storeRandom(store, name, [1000, 2000]);
    const staged = await stageRandom(store, objectName("videos/b"), [10]);
    const again = await openDiskStore(folder.path);
    expect(await again.get(name)).toEqual(object);
    expect(await readAll(again, name)).toEqual(bytes);
    await again.commit(objectName("videos/b"), { blocks: staged.blocks, ...TYPE });
    expect(await readAll(again, objectName("videos/b"))).toEqual(staged.bytes);
    await again.close();
  });

  test("nothing is left of what was deleted, discarded or replaced", async () => {
    await storeRandom(store, name, [10, 20]);
    await storeRandom(store, name, [30], 2);
    expect(await blockFiles()).toHaveLength(1);
    await store.delete(name);
    await stageRandom(store, objectName("videos/deep/er/b"), [10]);
    await store.discard(objectName("videos/deep/er/b"));
    await store.close();
    expect(await readdir(folder.path)).toEqual([".drafts", ".trash"]);
    expect(await files()).toEqual([]);
  });

  test("what a crash left half done is removed", async () => {
    await writeFile(join(folder.path, ".drafts", "orphan"), "half a block");
    await mkdir(join(folder.path, ".trash", "deleted"));
    await writeFile(join(folder.path, ".trash", "deleted", "block"), "of an object");
    const again = await openDiskStore(folder.path);
    await swept(again.sweep(new Date(), never));
    await again.close();
    expect(await files()).toEqual([]);
  });

  test("what is staged lives a week, what is committed stays", async () => {
    const kept = await storeRandom(store, name, [10]);
    await stageRandom(store, name, [20], 2);
    const other = objectName("videos/b");
    const staged = await stageRandom(store, other, [30]);
    await swept(store.sweep(new Date(Date.now() + STAGED_LIFE_MS - 60_000), never));
    expect(await blockFiles()).toHaveLength(3);
    expect(await swept(store.sweep(weekLater(), never, { dryRun: true }))).toEqual([name, other].sort());
    expect(await blockFiles()).toHaveLength(3);
    expect(await swept(store.sweep(weekLater(), never))).toEqual([name, other].sort());
    expect(await blockFiles()).toHaveLength(1);
    expect(await readAll(store, name)).toEqual(kept.bytes);
    expect(await reasonOf(store.commit(other, { blocks: staged.blocks, ...TYPE }))).toBe("BLOCK_NOT_STAGED");
  });

  describe("damage", () => {
    const anyBlock = async () => (await blockFiles())[0] ?? "";

    test("a block that is too short, too long or gone is told, and no byte too few is a success", async () => {
      await storeRandom(store, name, [MEBIBYTE]);
      const block = await anyBlock();
      const whole = await readFile(block);
      for (const damage of [
        () => truncate(block, 5),
        () => truncate(block, 0),
        () => appendFile(block, "x"),
        () => rm(block),
      ]) {
        await damage();
        expect(await reasonOf(readAll(store, name))).toBe("OBJECT_DAMAGED");
        await writeFile(block, whole);
      }
      expect(await reasonOf(readAll(store, name))).toBeUndefined();
    });

    test("a block that shrinks while it is read ends the read", async () => {
      await storeRandom(store, name, [4 * MEBIBYTE]);
      const opened = await store.open(name, { offset: 0 }, never);
      const reading = async () => {
        for await (const chunk of opened.bytes) {
          expect(chunk.length).toBeGreaterThan(0);
          await truncate(await anyBlock(), MEBIBYTE);
        }
      };
      await expect(reading()).rejects.toMatchObject({ reason: "OBJECT_DAMAGED", metadata: { resource: name } });
    });

    test("a manifest with any byte changed is told, and the object can be deleted and stored anew", async () => {
      await storeRandom(store, name, [10, 20]);
      const manifest = join(folder.path, "videos", "a~", "manifest");
      const whole = await readFile(manifest);
      for (let at = 0; at < whole.length; at += 7) {
        const file = await open(manifest, "r+");
        await file.write(Buffer.from([(whole[at] ?? 0) ^ 0x20]), 0, 1, at);
        await file.close();
        expect([at, await reasonOf(readAll(store, name))]).toEqual([at, "OBJECT_DAMAGED"]);
        await writeFile(manifest, whole);
      }
      for (const length of [0, 5, 100, whole.length - 1]) {
        await writeFile(manifest, whole.subarray(0, length));
        expect(await reasonOf(readAll(store, name))).toBe("OBJECT_DAMAGED");
      }
      await writeFile(manifest, "not a manifest");
      expect(await reasonOf(store.get(name))).toBe("OBJECT_DAMAGED");
      expect(await reasonOf(store.list(prefixOf("videos/"), { limit: 1 }))).toBe("OBJECT_DAMAGED");
      await store.delete(name);
      const { bytes } = await storeRandom(store, name, [30]);
      expect(await readAll(store, name)).toEqual(bytes);
    });
  });

  test("while the folder is away nothing is missing and nothing is written", async () => {
    await storeRandom(store, name, [10]);
    const { block, data } = randomBlock(1, 10);
    const away = `${folder.path}-away`;
    await rename(folder.path, away);
    await mkdir(folder.path);
    const calls = [
      store.check(),
      store.get(name),
      readAll(store, name),
      store.list(prefixOf("videos/"), { limit: 1 }),
      store.delete(name),
      store.stage(name, block, data),
      store.commit(name, { blocks: [], ...TYPE }),
    ];
    expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => "STORE_UNAVAILABLE"));
    expect(await readdir(folder.path)).toEqual([]);
    await rm(folder.path, { recursive: true });
    await rename(away, folder.path);
    expect(await reasonOf(store.check())).toBeUndefined();
    expect((await store.get(name)).size).toBe(10);
  });
});
