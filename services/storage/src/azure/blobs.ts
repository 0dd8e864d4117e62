import type { BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import type { ObjectName } from "../names.js";
import type { StoredObject } from "../object-store.js";
import { answered, gaveCode } from "./failure.js";
import { toMetadata, toObject } from "./metadata.js";
import type { TracedOptions } from "./tracing.js";

/** How long a single answer is waited for. */
const PATIENCE_MS = 30_000;

/** What is at a name. */
export interface FoundBlob {
  /** The blob's version as Azure names it. */
  readonly version: string | undefined;
  /** Absent for a blob that was not committed as an object. */
  readonly object: StoredObject | undefined;
}

/** The few things that are done with a container's blobs. Failures are the SDK's. */
export interface Blobs {
  client(name: ObjectName): BlockBlobClient;
  /** Stages a block, in the container that is created if need be. */
  stage(name: ObjectName, id: string, data: Buffer): Promise<void>;
  /** What is at a name, staged blocks aside; undefined for nothing. */
  look(name: ObjectName): Promise<FoundBlob | undefined>;
  /** The ids of the blocks at a name. */
  blocks(name: ObjectName, which: "committed" | "uncommitted" | "all"): Promise<readonly string[]>;
  /** Makes an object of blocks, which forgets all others, if what is there is still as it was found. */
  put(object: StoredObject, ids: readonly string[], found: FoundBlob | undefined): Promise<void>;
  /** Forgets what is staged where no object is. */
  forgetStaged(name: ObjectName): Promise<void>;
  delete(name: ObjectName): Promise<void>;
  /** Makes sure of the container, which is created if need be. */
  check(): Promise<void>;
}

/** @param traced in which trace it is done. */
export function createBlobs(container: ContainerClient, traced: TracedOptions): Blobs {
  const client = (name: ObjectName) => container.getBlockBlobClient(name);
  const patience = () => ({ abortSignal: AbortSignal.timeout(PATIENCE_MS), ...traced });

  const inContainer = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!gaveCode(error, "ContainerNotFound")) throw error;
      await container.createIfNotExists(patience());
      await work();
    }
  };

  return {
    client,

    stage: (name, id, data) => inContainer(() => client(name).stageBlock(id, data, data.length, patience())),

    look: (name) =>
      unlessMissing(async () => {
        const facts = await client(name).getProperties(patience());
        return { version: facts.etag, object: toObject(name, { ...facts, size: facts.contentLength }) };
      }),

    async blocks(name, which) {
      const lists = await unlessMissing(() => client(name).getBlockList(which, patience()));
      return [...(lists?.committedBlocks ?? []), ...(lists?.uncommittedBlocks ?? [])].map((block) => block.name);
    },

    put: (object, ids, found) =>
      inContainer(() =>
        client(object.name).commitBlockList([...ids], {
          ...patience(),
          metadata: toMetadata(object),
          blobHTTPHeaders: { blobContentType: object.contentType },
          conditions: found?.version === undefined ? { ifNoneMatch: "*" } : { ifMatch: found.version },
        }),
      ),

    // Azure forgets staged blocks when a block list is committed. Without our metadata the empty blob is no object.
    async forgetStaged(name) {
      const { etag } = await client(name).commitBlockList([], { ...patience(), conditions: { ifNoneMatch: "*" } });
      await client(name).delete({ ...patience(), conditions: etag === undefined ? {} : { ifMatch: etag } });
    },

    async delete(name) {
      if ((await this.blocks(name, "uncommitted")).length > 0) await client(name).commitBlockList([], patience());
      await unlessMissing(() => client(name).delete({ ...patience(), deleteSnapshots: "include" }));
    },

    check: () => inContainer(() => container.getProperties(patience())),
  };
}

async function unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (answered(error, 404)) return undefined;
    throw error;
  }
}
