import { open, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { RECORD_BYTES, type Block } from "../block.js";
import type { DraftObject } from "../commit.js";
import type { ObjectName } from "../names.js";
import type { StoredObject } from "../object-store.js";
import { failedWith, unlessMissing } from "./failure.js";
import { blockFile, isBlockFile, MANIFEST, objectFolder, recordFile } from "./layout.js";
import { decodeManifest, decodeObject, HEADER_BYTES } from "./manifest.js";

/** An object and its blocks' records; undefined when none is committed. */
export async function readManifest(root: string, name: ObjectName): Promise<DraftObject | undefined> {
  const bytes = await unlessMissing(readFile(join(objectFolder(root, name), MANIFEST)));
  return bytes && decodeManifest(name, bytes);
}

/** An object without its blocks, which may be many; undefined when none is committed. */
export async function readObject(root: string, name: ObjectName): Promise<StoredObject | undefined> {
  const file = await unlessMissing(open(join(objectFolder(root, name), MANIFEST), "r"));
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return decodeObject(name, buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** @throws DomainError BLOCK_NOT_STAGED when a block is not there. */
export async function assertBlocksThere(root: string, name: ObjectName, blocks: readonly Block[]): Promise<void> {
  const there = new Set(await unlessMissing(readdir(objectFolder(root, name))));
  const missing = blocks.find((block) => !there.has(blockFile(block)));
  if (missing) throw new DomainError("BLOCK_NOT_STAGED", { block: missing.id, resource: name });
}

/** The files of all blocks of an object but those whose records are given. */
export async function otherBlocks(root: string, name: ObjectName, records: Buffer): Promise<readonly string[]> {
  const folder = objectFolder(root, name);
  const keep = new Set<string>();
  for (let at = 0; at < records.length; at += RECORD_BYTES)
    keep.add(recordFile(records.subarray(at, at + RECORD_BYTES)));
  const files = (await unlessMissing(readdir(folder))) ?? [];
  return files.filter((file) => isBlockFile(file) && !keep.has(file)).map((file) => join(folder, file));
}

/** Removes these. */
export async function removeOtherBlocks(root: string, name: ObjectName, records: Buffer): Promise<void> {
  for (const file of await otherBlocks(root, name, records)) await rm(file, { force: true });
}

/** Removes a folder under the root and those above it as far as they are empty. */
export async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let next = folder; next !== root; next = dirname(next)) {
    try {
      await rmdir(next);
    } catch (error) {
      if (failedWith(error, "ENOTEMPTY", "EEXIST", "ENOENT")) return;
      throw error;
    }
  }
}
