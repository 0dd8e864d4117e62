import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type { StoredObject } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { Connection } from "./connection.js";
import { objectFile, type KeptObject } from "./format.js";

/** How often a transfer is taken up where it broke off, without a byte coming in between. */
const RESUMPTIONS = 5;
const RIGHTS_MS = 3_600_000;

/**
 * Copies an object's bytes out of storage into the folder, each block held to its digest.
 *
 * @returns undefined when there is no such version of it.
 * @throws Error when its bytes are not what was committed.
 */
export async function fetchObject(
  connection: Connection,
  folder: string,
  { name, etag }: { readonly name: string; readonly etag: string },
  onBytes: (count: number) => void,
): Promise<KeptObject | undefined> {
  const { storage, scope } = connection;
  try {
    const asked = { capability: rights(connection, name, "read"), object: name, withBlocks: true };
    const found = await storage.getObject(asked, await scope());
    if (found.etag !== etag) return undefined;
    const object = keptObject(found);
    await mkdir(dirname(join(folder, objectFile(name))), { recursive: true });
    const file = await open(join(folder, objectFile(name)), "w");
    try {
      await download(connection, object, file, onBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return object;
  } catch (error) {
    if (isDomainError(error, "RESOURCE_NOT_FOUND", "ETAG_MISMATCH")) return undefined;
    throw error;
  }
}

/** Whether storage has this very object. */
export async function hasObject(connection: Connection, { name, etag }: KeptObject): Promise<boolean> {
  try {
    const asked = { capability: rights(connection, name, "read"), object: name };
    const found = await connection.storage.getObject(asked, await connection.scope());
    if (found.etag === etag) return true;
    throw new Error(`There is another object ${name} already: restore into an empty store`);
  } catch (error) {
    if (isDomainError(error, "RESOURCE_NOT_FOUND")) return false;
    throw error;
  }
}

/** Makes an object of the folder's bytes, unless storage has it already. */
export async function putObject(connection: Connection, folder: string, object: KeptObject): Promise<void> {
  if (await hasObject(connection, object)) return;
  const { storage, scope } = connection;
  const { name, contentType, etag } = object;
  const file = await open(join(folder, objectFile(name)), "r");
  try {
    let at = 0;
    for (const block of object.blocks) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(block.sizeBytes), 0, block.sizeBytes, at);
      if (bytesRead !== block.sizeBytes) throw damaged(name);
      const staged = { object: name, blockId: block.id, data: buffer, sha256: Buffer.from(block.sha256, "hex") };
      await storage.stageBlock({ ...staged, capability: rights(connection, name, "write") }, await scope());
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  const blocks = object.blocks.map(({ id, sizeBytes, sha256 }) => ({
    id,
    sizeBytes: BigInt(sizeBytes),
    sha256: Buffer.from(sha256, "hex"),
  }));
  const precondition = { $case: "createOnly", value: true } as const;
  const capability = rights(connection, name, "write");
  const made = await storage.commitBlocks(
    { capability, object: name, blocks, contentType, precondition },
    await scope(),
  );
  if (made.etag !== etag) throw new Error(`${name} has become another version than in the backup`);
}

/** @throws Error where the folder's bytes of an object are not what was written. */
export async function verifyObject(folder: string, object: KeptObject): Promise<void> {
  const verify = createVerifier(object);
  const file = await open(join(folder, objectFile(object.name)), "r").catch(() => {
    throw new Error(`${objectFile(object.name)} is missing: the backup is damaged`);
  });
  for await (const chunk of createReadStream("", { fd: file })) verify.next(asBytes(chunk));
  verify.end();
}

async function download(
  connection: Connection,
  object: KeptObject,
  file: FileHandle,
  onBytes: (count: number) => void,
): Promise<void> {
  const { storage, scope } = connection;
  const { name, etag: ifMatch, sizeBytes } = object;
  const verify = createVerifier(object);
  let at = 0;
  for (let failures = 0; at < sizeBytes; failures++) {
    try {
      const capability = rights(connection, name, "read");
      const asked = { capability, object: name, offset: BigInt(at), ifMatch };
      for await (const { data } of storage.readObject(asked, await scope())) {
        verify.next(data);
        await file.write(data, 0, data.length, at);
        at += data.length;
        onBytes(data.length);
        if (data.length > 0) failures = 0;
      }
    } catch (error) {
      if (failures >= RESUMPTIONS || !isPassing(error)) throw error;
    }
  }
  verify.end();
}

/** Whether a failure may pass by itself, such as that of a replica that restarts. */
export function isPassing(error: unknown): boolean {
  return isDomainError(error, "SERVICE_UNAVAILABLE", "STORE_UNAVAILABLE", "OVERLOADED", "DEADLINE_EXCEEDED");
}

/** Holds an object's bytes, which come in pieces of any size, to its blocks' digests. */
function createVerifier({ name, blocks }: KeptObject) {
  let [index, room, hash] = [0, blocks[0]?.sizeBytes ?? 0, createHash("sha256")];
  return {
    next(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length;) {
        const block = blocks[index];
        if (!block) throw damaged(name);
        const part = bytes.subarray(at, at + room);
        hash.update(part);
        at += part.length;
        room -= part.length;
        if (room > 0) continue;
        if (hash.digest("hex") !== block.sha256) throw damaged(name);
        index++;
        [room, hash] = [blocks[index]?.sizeBytes ?? 0, createHash("sha256")];
      }
    },
    end() {
      if (index !== blocks.length) throw damaged(name);
    },
  };
}

function keptObject({ name, etag, contentType, sizeBytes, blocks }: StoredObject): KeptObject {
  return {
    name,
    etag,
    contentType,
    sizeBytes: Number(sizeBytes),
    blocks: blocks.map((block) => ({
      id: block.id,
      sizeBytes: Number(block.sizeBytes),
      sha256: Buffer.from(block.sha256).toString("hex"),
    })),
  };
}

function rights({ keys }: Connection, opens: string, verb: Verb): string {
  return mintCapability(keys, { opens, verbs: [verb], expires: new Date(Date.now() + RIGHTS_MS) });
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("A file is read as bytes");
}

function damaged(name: string): Error {
  return new Error(`${name} is damaged: its bytes are not what was committed`);
}
