import type { ContainerClient } from "@azure/storage-blob";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { TraceContext } from "@reelmesh/mesh/observe/trace.js";
import { blockRecord, blocksOf, type Block } from "../block.js";
import { draftObject, etagOf, repeated, type Commit } from "../commit.js";
import type { AzureAccount } from "../config.js";
import { isObjectName, type ObjectName, type Prefix } from "../names.js";
import type { ObjectPage, ObjectStore, StoredObject } from "../object-store.js";
import { createBlobs } from "./blobs.js";
import { connect } from "./connect.js";
import { answered, gaveCode, onAzure, unavailable } from "./failure.js";
import { toObject } from "./metadata.js";
import { openBlob } from "./read.js";
import { traceAzure, tracedBy } from "./tracing.js";

/** How often a commit is begun anew because another one came between. */
const COMMIT_ATTEMPTS = 5;

/**
 * Opens a container of Azure Blob Storage as a store; it is created when it is first used. A block's id there is its
 * whole record, so that Azure itself checks the digests and sizes that a commit names. A blob is an object when it
 * bears our metadata.
 */
export async function openAzureStore(config: { account: AzureAccount; container: string }): Promise<ObjectStore> {
  traceAzure();
  return storeIn(await connect(config.account, config.container));
}

/** The store that a container is, for work that belongs to a trace or to none. */
function storeIn(container: ContainerClient, trace?: TraceContext): ObjectStore {
  const traced = tracedBy(trace);
  const blobs = createBlobs(container, traced);

  const commit = async (name: ObjectName, wanted: Commit): Promise<StoredObject> => {
    const { object } = draftObject(name, wanted, new Date());
    const ids = wanted.blocks.map(blockId);
    let conflict: unknown;
    for (let attempt = 1; attempt <= COMMIT_ATTEMPTS; attempt++) {
      const found = await blobs.look(name);
      const already = repeated(found?.object, object, wanted.precondition);
      if (already) return already;
      try {
        await blobs.put(object, ids, found);
        return object;
      } catch (error) {
        if (gaveCode(error, "InvalidBlockList")) await assertBlocksThere(name, wanted.blocks);
        else if (!answered(error, 409, 412)) throw error;
        conflict = error;
      }
    }
    throw unavailable(conflict);
  };

  const assertBlocksThere = async (name: ObjectName, blocks: readonly Block[]) => {
    const there = new Set(await blobs.blocks(name, "all"));
    const missing = blocks.find((block) => !there.has(blockId(block)));
    if (missing) throw new DomainError("BLOCK_NOT_STAGED", { block: missing.id, resource: name });
  };

  /** Asked in two questions, between which it may be replaced. */
  const describe = async (name: ObjectName) => {
    for (let attempt = 1; attempt <= COMMIT_ATTEMPTS; attempt++) {
      const found = await blobs.look(name);
      if (!found?.object) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
      const { object } = found;
      const ids = await blobs.blocks(name, "committed");
      const records = Buffer.concat(ids.map((id) => Buffer.from(id, "base64")));
      if (etagOf(records, object.contentType) === object.etag) return { object, blocks: blocksOf(records) };
    }
    throw new DomainError("OBJECT_DAMAGED", { resource: name, problem: "its blocks are not what was committed" });
  };

  const discard = async (name: ObjectName): Promise<void> => {
    if ((await blobs.blocks(name, "uncommitted")).length === 0) return;
    const found = await blobs.look(name);
    try {
      if (!found) await blobs.forgetStaged(name);
      else if (found.object) await blobs.put(found.object, await blobs.blocks(name, "committed"), found);
    } catch (error) {
      // Whoever came between committed or deleted, and with that forgot what was staged.
      if (!answered(error, 404, 409, 412)) throw error;
    }
  };

  const list = async (prefix: Prefix, limit: number, from: string | undefined): Promise<ObjectPage> => {
    const pages = container
      .listBlobsFlat({ prefix, includeMetadata: true, ...traced })
      .byPage({ maxPageSize: limit, ...(from === undefined ? {} : { continuationToken: from }) });
    for await (const { segment, continuationToken } of pages) {
      const objects = segment.blobItems.flatMap(({ name, properties, metadata }) => {
        const { contentLength: size, contentType } = properties;
        return (isObjectName(name) ? toObject(name, { size, contentType, metadata }) : undefined) ?? [];
      });
      return continuationToken ? { objects, next: continuationToken } : { objects };
    }
    return { objects: [] };
  };

  return {
    stage: (name, block, data) => onAzure(() => blobs.stage(name, blockId(block), data)),
    commit: (name, wanted) => onAzure(() => commit(name, wanted)),
    discard: (name) => onAzure(() => discard(name)),
    open: (name, range, signal) => onAzure(() => openBlob(blobs.client(name), name, range, signal, traced)),
    get: (name) =>
      onAzure(async () => {
        const found = await blobs.look(name);
        if (!found?.object) throw new DomainError("RESOURCE_NOT_FOUND", { resource: name });
        return found.object;
      }),
    describe: (name) => onAzure(() => describe(name)),
    delete: (name) => onAzure(() => blobs.delete(name)),
    list: (prefix, { limit, from }) => onAzure(() => list(prefix, limit, from)),
    within: (within) => storeIn(container, within),
    check: () => onAzure(() => blobs.check()),
    // Azure forgets staged blocks after a week.
    sweeps: [],
    close: () => Promise.resolve(),
  };
}

/** A block's id as Azure knows it. */
function blockId(block: Block): string {
  return blockRecord(block).toString("base64");
}
