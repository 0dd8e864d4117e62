import { join } from "node:path";
import { blockRecord, type Block } from "../block.js";
import type { ObjectName } from "../names.js";

/*
 * Under the root a segment of a name is a folder of that name, and an object a folder of its last segment and `~`,
 * which no name contains: so that `a` and `a/b` may both exist. An object's folder holds its blocks, staged ones and
 * its own alike, each named after its record, and once it is committed its manifest. Folders that start with a dot,
 * which no name does, hold drafts and what is being removed.
 */

export const DRAFTS = ".drafts";
export const TRASH = ".trash";
export const MANIFEST = "manifest";

const OBJECT_MARK = "~";
const BLOCK_FILE = /^[0-9a-f]{88}$/;

/** The folder that holds an object. */
export function objectFolder(root: string, name: ObjectName): string {
  return join(root, `${name}${OBJECT_MARK}`);
}

/** The segment of a name that a folder stands for, and whether it holds an object; undefined for any other folder. */
export function segmentOf(folder: string): { segment: string; isObject: boolean } | undefined {
  if (folder.startsWith(".")) return undefined;
  return folder.endsWith(OBJECT_MARK)
    ? { segment: folder.slice(0, -OBJECT_MARK.length), isObject: true }
    : { segment: folder, isObject: false };
}

/** The name of the file that holds a block. */
export function blockFile(block: Block): string {
  return blockRecord(block).toString("hex");
}

/** The same by the block's record. */
export function recordFile(record: Buffer): string {
  return record.toString("hex");
}

export function isBlockFile(file: string): boolean {
  return BLOCK_FILE.test(file);
}
