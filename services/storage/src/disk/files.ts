import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { failedWith } from "./failure.js";

/** How often a file is put in place again whose folder was removed, being empty, in the same moment. */
const PLACE_ATTEMPTS = 5;

/** Writes files so that they are whole or absent, and once acknowledged survive a loss of power. */
export interface DurableFiles {
  /** Writes a file that nobody sees yet; `place` or `drop` it. */
  draft(bytes: Uint8Array): Promise<string>;
  /** Puts a draft in its place, in a folder that is made if need be, in place of what is there. */
  place(draft: string, target: string): Promise<void>;
  /** Removes a draft, placed or not. */
  drop(draft: string): Promise<void>;
}

/**
 * @param root the folder under which files are placed. It is never made: should it vanish, as a disk that is unmounted,
 *   nothing must be written where it was.
 * @param drafts the folder for drafts, on the same file system.
 */
export function createDurableFiles(root: string, drafts: string): DurableFiles {
  const making = new Map<string, Promise<void>>();

  /** Makes a folder and those above it, each known to its parent for good. */
  const makeFolder = (folder: string): Promise<void> => {
    if (folder === root) return Promise.resolve();
    const known = making.get(folder);
    if (known) return known;
    const made = makeMissing(folder).finally(() => making.delete(folder));
    making.set(folder, made);
    return made;
  };
  const makeMissing = async (folder: string) => {
    // It may exist while its own parent is not yet sure to remember it.
    await making.get(dirname(folder));
    try {
      await mkdir(folder);
    } catch (error) {
      if (failedWith(error, "EEXIST")) return;
      if (!failedWith(error, "ENOENT") || dirname(folder) === root) throw error;
      await makeFolder(dirname(folder));
      await makeMissing(folder);
      return;
    }
    await syncFolder(dirname(folder));
  };

  return {
    async draft(bytes) {
      const path = join(drafts, randomUUID());
      const file = await open(path, "wx");
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      return path;
    },
    async place(draft, target) {
      const folder = dirname(target);
      for (let attempt = 1; ; attempt++) {
        try {
          await makeFolder(folder);
          await rename(draft, target);
          await syncFolder(folder);
          return;
        } catch (error) {
          if (!failedWith(error, "ENOENT") || attempt === PLACE_ATTEMPTS) throw error;
        }
      }
    },
    drop: (draft) => rm(draft, { force: true }),
  };
}

/** Makes a folder and those above it that are missing, for good. */
export async function makeFolders(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes what was added to and removed from a folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
