import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { Block } from "../src/block.js";
import { openDiskStore } from "../src/disk/store.js";
import { objectName, randomBlock, readAll, reasonOf, storeRandom } from "./support.js";

const BLOCK_BYTES = 256 * 1024;

/** A file system of 2 MiB; undefined where this process may not mount one. */
function mountSmall(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "reelmesh-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmdirSync(folder);
    return undefined;
  }
}

const small = mountSmall();
afterAll(() => {
  if (small === undefined) return;
  execFileSync("umount", [small]);
  rmdirSync(small);
});

describe("a full disk", () => {
  if (small === undefined) {
    test.skip("is told, loses nothing, and goes on when there is room (skipped: mounting a small one takes root)", () =>
      undefined);
    return;
  }

  test("is told, loses nothing, and goes on when there is room", async () => {
    const store = await openDiskStore(small);
    const kept = await storeRandom(store, objectName("kept"), [BLOCK_BYTES]);
    const name = objectName("growing");
    const staged: { block: Block; data: Buffer }[] = [];
    const stageNext = async (size: number) => {
      const made = randomBlock(staged.length, size);
      await store.stage(name, made.block, made.data);
      staged.push(made);
    };
    const fill = async (size: number) => {
      for (;;) await stageNext(size);
    };
    for (const size of [BLOCK_BYTES, 4096]) expect(await reasonOf(fill(size))).toBe("NO_SPACE");
    expect(staged.length).toBeGreaterThan(5);
    expect(await readdir(join(small, ".drafts"))).toEqual([]);

    const commit = () => store.commit(name, { blocks: staged.map(({ block }) => block), contentType: "video/mp4" });
    expect(await reasonOf(commit())).toBe("NO_SPACE");
    expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
    expect((await readAll(store, objectName("kept"))).equals(kept.bytes)).toBe(true);

    await store.delete(objectName("kept"));
    await store.close();
    await commit();
    const all = Buffer.concat(staged.map(({ data }) => data));
    expect((await readAll(store, name)).equals(all)).toBe(true);
  });
});
