import { createHash, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
import { catalog } from "@reelmesh/catalog/module.js";
import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StorageServiceDefinition, type Block } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import {
  UploadServiceDefinition,
  type OpenWriteResponse,
  type Upload,
} from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { storage } from "@reelmesh/storage/module.js";
import { scope, startServices, temporaryFolder, type TestServices } from "../../../catalog/test/support/services.js";
import { upload } from "../../src/module.js";
import { openUploads, type UploadRepository } from "../../src/repository.js";

export type UploadClient = Client<typeof UploadServiceDefinition>;

/** Uploads with all that they stand on, at work over one folder. */
export interface Uploading {
  /** The edge's clients. */
  readonly uploads: UploadClient;
  readonly storage: Client<typeof StorageServiceDefinition>;
  readonly catalog: Client<typeof CatalogServiceDefinition>;
  /** The upload service's own client of the catalogue. */
  readonly ownCatalog: Client<typeof CatalogServiceDefinition>;
  readonly services: TestServices;
  readonly ann: CallScope;
  readonly bob: CallScope;
  /** The upload service as another service calls it. */
  readonly uploadsCalledBy: (caller: string) => UploadClient;
  readonly stop: () => Promise<void>;
  /** Starts an upload of ann's. */
  readonly create: (sizeBytes: number, requestId?: string) => Promise<Upload>;
  /** Makes ann the writer from an offset on. */
  readonly open: (name: string, offset?: number) => Promise<Writer>;
  /** A capability that opens an object or prefix. */
  readonly allow: (opens: string, verbs: readonly Verb[]) => string;
  /** An object's bytes; undefined when there is none. */
  readonly read: (object: string) => Promise<Buffer | undefined>;
}

/** One writer of an upload. */
export interface Writer {
  readonly opened: OpenWriteResponse;
  /** Stages bytes as a block, without recording it. */
  stage(bytes: Uint8Array): Promise<Block>;
  /** Records blocks where this writer stands, or elsewhere. */
  record(blocks: readonly Block[], offset?: number): Promise<Upload>;
  /** Stages and records bytes, as one block. */
  write(bytes: Uint8Array): Promise<Upload>;
}

/** How often the loops of these tests run, in seconds. */
const SOON = { UPLOAD_RECONCILE_SECONDS: "1", UPLOAD_SWEEP_SECONDS: "1" };

export async function startUploading(variables: Readonly<Record<string, string>>): Promise<Uploading> {
  const services = await startServices([storage, catalog, upload], { ...SOON, ...variables });
  const uploads = services.client("upload", UploadServiceDefinition, "gateway");
  const objects = services.client("storage", StorageServiceDefinition, "gateway");
  const ann = await services.as("ann");
  const allow = (opens: string, verbs: readonly Verb[]) =>
    mintCapability(services.keys, { opens, verbs, expires: new Date(Date.now() + 3_600_000) });

  const readObject = async (object: string) => {
    const chunks: Uint8Array[] = [];
    for await (const { data } of objects.readObject({ capability: allow(object, ["read"]), object }, scope()))
      chunks.push(data);
    return Buffer.concat(chunks);
  };

  return {
    uploads,
    storage: objects,
    catalog: services.client("catalog", CatalogServiceDefinition, "gateway"),
    ownCatalog: services.client("catalog", CatalogServiceDefinition, "upload"),
    services,
    ann,
    bob: await services.as("bob"),
    uploadsCalledBy: (caller) => services.client("upload", UploadServiceDefinition, caller),
    stop: () => services.stop(),
    allow,
    create(sizeBytes, requestId = randomUUID()) {
      const wanted = { sizeBytes: BigInt(sizeBytes), filename: "a_film.mp4", contentType: "video/mp4" };
      return uploads.createUpload({ upload: wanted, requestId }, ann);
    },
    async open(name, offset = 0) {
      const opened = await uploads.openWrite({ name, offset: BigInt(offset) }, ann);
      return createWriter(opened, { name, offset, uploads, storage: objects, who: ann });
    },
    async read(object) {
      // One reading decides: between two, a sweep may have come by.
      try {
        return await readObject(object);
      } catch (error) {
        if (isDomainError(error, "RESOURCE_NOT_FOUND")) return undefined;
        throw error;
      }
    },
  };
}

function createWriter(
  opened: OpenWriteResponse,
  target: { name: string; offset: number; who: CallScope } & Pick<Uploading, "uploads" | "storage">,
): Writer {
  const { capability, object, fence } = opened;
  let next = 0;
  let { offset } = target;
  const stage: Writer["stage"] = async (bytes) => {
    const id = [Number(fence), next++].map((part) => part.toString(16).padStart(8, "0")).join("-");
    const sha256 = createHash("sha256").update(bytes).digest();
    const data = Buffer.from(bytes);
    await target.storage.stageBlock({ capability, object, blockId: id, sha256, data }, target.who);
    return { id, sha256, sizeBytes: BigInt(bytes.length) };
  };
  const record: Writer["record"] = async (blocks, at = offset) => {
    const request = { name: target.name, fence, offset: BigInt(at), blocks: [...blocks] };
    const recorded = await target.uploads.recordBlocks(request, target.who);
    offset = Number(recorded.offsetBytes);
    return recorded;
  };
  return { opened, stage, record, write: async (bytes) => record([await stage(bytes)]) };
}

/** Starts uploads before a file's tests, and stops them after. They can be stopped and started in between. */
export function useUploading(variables: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  let current: Uploading | undefined;
  const stop = async () => {
    await current?.stop();
    current = undefined;
  };
  const start = async () => {
    current = await startUploading({ REELMESH_DATA: (await folder).path, ...variables });
  };
  beforeAll(start);
  afterAll(async () => {
    await stop();
    await (await folder).remove();
  });
  return {
    now(): Uploading {
      if (!current) throw new Error("The services run while tests do");
      return current;
    },
    /** Stops everything, lets `work` change what the upload service keeps, and starts everything again. */
    async whileStopped(work: (uploads: UploadRepository) => Promise<void>) {
      await stop();
      const documents = await openData(await openDocuments({ folder: join((await folder).path, "upload") }));
      try {
        await work(await openUploads(documents));
      } finally {
        await documents.close();
      }
      await start();
    },
  };
}

/** Bytes that no two tests share. */
export function someBytes(size: number): Buffer {
  return randomBytes(size);
}

/** The id of a resource's name. */
export function idOf(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}
