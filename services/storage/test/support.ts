import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "node:assert";
import { isDomainError, type Reason } from "@reelmesh/mesh/errors.js";
import type { Block } from "../src/block.js";
import { isObjectName, parsePrefix, type ObjectName, type Prefix } from "../src/names.js";
import type { ObjectStore, OpenObject, ReadRange } from "../src/object-store.js";

/** A folder of its own, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "reelmesh-storage-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function objectName(text: string): ObjectName {
  return isObjectName(text) ? text : fail(`${text} is no object name`);
}

export function prefixOf(text: string): Prefix {
  return parsePrefix("prefix", text);
}

/** Random bytes as a block, the `index`th of a writer. */
export function randomBlock(index: number, size: number, fence = 1): { block: Block; data: Buffer } {
  return blockOf(index, randomBytes(size), fence);
}

export function blockOf(index: number, data: Buffer, fence = 1): { block: Block; data: Buffer } {
  const id = [fence, index].map((part) => part.toString(16).padStart(8, "0")).join("-");
  return { block: { id, size: data.length, sha256: createHash("sha256").update(data).digest() }, data };
}

/** Stages blocks of these sizes and returns them with their bytes. */
export async function stageRandom(store: ObjectStore, name: ObjectName, sizes: readonly number[], fence = 1) {
  const made = sizes.map((size, index) => randomBlock(index, size, fence));
  for (const { block, data } of made) await store.stage(name, block, data);
  return { blocks: made.map(({ block }) => block), bytes: Buffer.concat(made.map(({ data }) => data)) };
}

/** Stores an object of blocks of these sizes. */
export async function storeRandom(store: ObjectStore, name: ObjectName, sizes: readonly number[], fence = 1) {
  const { blocks, bytes } = await stageRandom(store, name, sizes, fence);
  const object = await store.commit(name, { blocks, contentType: "video/mp4" });
  return { object, blocks, bytes };
}

export async function collect({ bytes }: OpenObject): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export async function readAll(store: ObjectStore, name: ObjectName, range: Partial<ReadRange> = {}): Promise<Buffer> {
  return collect(await store.open(name, { offset: 0, ...range }, new AbortController().signal));
}

/** The reason why work fails; undefined when it does not. */
export async function reasonOf(work: Promise<unknown>): Promise<Reason | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isDomainError(error)) return error.reason;
    throw error;
  }
}

/** All that a sweep yields. */
export async function swept(names: AsyncIterable<ObjectName>): Promise<ObjectName[]> {
  const all: ObjectName[] = [];
  for await (const name of names) all.push(name);
  return all;
}
