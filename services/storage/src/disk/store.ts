import { randomUUID } from "node:crypto";
import { access, constants, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { blocksOf, STAGED_LIFE_MS } from "../block.js";
import { draftObject, repeated } from "../commit.js";
import type { ObjectName } from "../names.js";
import type { ObjectStore, StoredObject } from "../object-store.js";
import { resolveRange, slicesOf } from "../range.js";
import { asDomainError, damaged, failedWith, onDisk, unlessMissing } from "./failure.js";
import { createDurableFiles, makeFolders, syncFolder } from "./files.js";
import { blockFile, DRAFTS, MANIFEST, objectFolder, TRASH } from "./layout.js";
import { encodeManifest } from "./manifest.js";
import {
  assertBlocksThere,
  otherBlocks,
  readManifest,
  readObject,
  removeEmptyFolders,
  removeOtherBlocks,
} from "./object-folder.js";
import { createKeyedQueue } from "./queue.js";
import { BlockMissing, readSlices } from "./read.js";
import { walkObjects } from "./walk.js";

/** A store on disk. */
export interface DiskStore extends ObjectStore {
  /**
   * Removes what is deleted but still on disk, and blocks that were staged more than a week before `now`. Yields the
   * names of the objects that such blocks were staged for.
   */
  sweep(now: Date, signal: AbortSignal, options?: { dryRun: boolean }): AsyncGenerator<ObjectName>;
}

const NOTHING = Buffer.alloc(0);

/**
 * Opens a folder, which this process must have to itself, as a store. Committing an object writes its manifest alone:
 * its blocks stay where they were staged.
 */
export async function openDiskStore(folder: string): Promise<DiskStore> {
  const root = resolve(folder);
  const drafts = join(root, DRAFTS);
  const trash = join(root, TRASH);
  await makeFolders(drafts);
  await makeFolders(trash);
  for (const orphan of await readdir(drafts)) await rm(join(drafts, orphan), { force: true });

  const files = createDurableFiles(root, drafts);
  const queue = createKeyedQueue();
  const removals = new Set<Promise<void>>();

  /** One after another for each object, as all that changes it must be. */
  const changing = <T>(name: ObjectName, work: () => Promise<T>): Promise<T> => queue.run(name, () => onDisk(work));

  /** An empty mount point holds no objects either: nothing may be taken for missing in it. */
  const assertAnswers = () => access(drafts, constants.R_OK | constants.W_OK | constants.X_OK);

  const absent = async (name: ObjectName): Promise<DomainError> => {
    await assertAnswers();
    return new DomainError("RESOURCE_NOT_FOUND", { resource: name });
  };

  const write = async (bytes: Uint8Array, target: string) => {
    const draft = await files.draft(bytes);
    try {
      await files.place(draft, target);
    } catch (error) {
      await files.drop(draft);
      throw error;
    }
  };

  const forgetStaged = async (name: ObjectName) => {
    const current = await readManifest(root, name);
    await removeOtherBlocks(root, name, current?.records ?? NOTHING);
    if (!current) await removeEmptyFolders(root, objectFolder(root, name));
  };

  /** Takes an object's folder away in one step; its bytes are removed in time. */
  const takeAway = async (objectsFolder: string) => {
    const taken = join(trash, randomUUID());
    try {
      await rename(objectsFolder, taken);
    } catch (error) {
      // A full disk may have no room for the new entry.
      if (!failedWith(error, "ENOSPC", "EDQUOT")) throw error;
      await rm(join(objectsFolder, MANIFEST), { force: true });
      await syncFolder(objectsFolder);
      await rm(objectsFolder, { recursive: true });
    }
    await syncFolder(dirname(objectsFolder));
    // What fails here is left to the sweep.
    const removal = rm(taken, { recursive: true, force: true }).catch(() => undefined);
    removals.add(removal);
    void removal.then(() => removals.delete(removal));
  };

  async function* bytesOf(object: StoredObject, records: Buffer, start: number, end: number) {
    const { name, etag } = object;
    try {
      yield* readSlices({ name, folder: objectFolder(root, name) }, slicesOf(records, start, end));
    } catch (error) {
      throw error instanceof BlockMissing ? await onDisk(() => whyMissing(name, etag)) : asDomainError(error);
    }
  }

  const whyMissing = async (name: ObjectName, etag: string): Promise<DomainError> => {
    const current = await readManifest(root, name);
    if (!current) return absent(name);
    if (current.object.etag !== etag) return new DomainError("ETAG_MISMATCH", { resource: name });
    return damaged(name, "a block is missing");
  };

  const isLongStaged = async (name: ObjectName, now: Date) => {
    const lastChange = await unlessMissing(stat(objectFolder(root, name)));
    if (!lastChange || lastChange.mtimeMs >= now.getTime() - STAGED_LIFE_MS) return false;
    const current = await readManifest(root, name);
    return !current || (await otherBlocks(root, name, current.records)).length > 0;
  };

  async function* sweep(now: Date, signal: AbortSignal, { dryRun } = { dryRun: false }) {
    for (const taken of dryRun ? [] : await onDisk(() => readdir(trash)))
      await onDisk(() => rm(join(trash, taken), { recursive: true, force: true }));
    for await (const name of walkObjects(root, "")) {
      signal.throwIfAborted();
      const swept = await changing(name, async () => {
        const long = await isLongStaged(name, now);
        if (long && !dryRun) await forgetStaged(name);
        return long;
      });
      if (swept) yield name;
    }
  }

  const store: DiskStore = {
    async stage(name, block, data) {
      const draft = await onDisk(() => files.draft(data));
      try {
        await changing(name, () => files.place(draft, join(objectFolder(root, name), blockFile(block))));
      } catch (error) {
        await files.drop(draft);
        throw error;
      }
    },

    commit(name, commit) {
      const wanted = draftObject(name, commit, new Date());
      return changing(name, async () => {
        const current = await readManifest(root, name);
        const already = repeated(current?.object, wanted.object, commit.precondition);
        if (already) return already;
        if (!current) await assertAnswers();
        await assertBlocksThere(root, name, commit.blocks);
        // A block may be there before the folder is sure to remember it.
        if (commit.blocks.length > 0) await syncFolder(objectFolder(root, name));
        await write(encodeManifest(wanted), join(objectFolder(root, name), MANIFEST));
        await removeOtherBlocks(root, name, wanted.records);
        return wanted.object;
      });
    },

    discard: (name) => changing(name, () => forgetStaged(name)),

    open: (name, { offset, length, ifMatch }) =>
      onDisk(async () => {
        const found = await readManifest(root, name);
        if (!found) throw await absent(name);
        const { object, records } = found;
        if (ifMatch !== undefined && ifMatch !== object.etag)
          throw new DomainError("ETAG_MISMATCH", { resource: name });
        const { start, end } = resolveRange(object, { offset, length });
        return { object, bytes: bytesOf(object, records, start, end) };
      }),

    get: (name) =>
      onDisk(async () => {
        const object = await readObject(root, name);
        if (!object) throw await absent(name);
        return object;
      }),

    describe: (name) =>
      onDisk(async () => {
        const found = await readManifest(root, name);
        if (!found) throw await absent(name);
        return { object: found.object, blocks: blocksOf(found.records) };
      }),

    delete: (name) =>
      changing(name, async () => {
        const objectsFolder = objectFolder(root, name);
        try {
          await takeAway(objectsFolder);
        } catch (error) {
          if (!failedWith(error, "ENOENT")) throw error;
          await assertAnswers();
          return;
        }
        await removeEmptyFolders(root, dirname(objectsFolder));
      }),

    list: (prefix, { limit, from }) =>
      onDisk(async () => {
        await assertAnswers();
        const objects: StoredObject[] = [];
        for await (const name of walkObjects(root, prefix, from)) {
          const object = await readObject(root, name);
          if (!object) continue;
          const last = objects.at(-1);
          if (last && objects.length === limit) return { objects, next: last.name };
          objects.push(object);
        }
        return { objects };
      }),

    // No disk knows of traces.
    within: () => store,

    check: () => onDisk(assertAnswers),

    sweep,
    sweeps: [{ name: "blocks never committed", run: ({ signal }, options) => sweep(new Date(), signal, options) }],

    async close() {
      await Promise.all(removals);
    },
  };
  return store;
}
