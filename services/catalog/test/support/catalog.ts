import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "@jest/globals";
import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { defineModule } from "@reelmesh/mesh/module.js";
import {
  CatalogServiceDefinition,
  Visibility,
  type Source,
  type Video,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { catalog } from "../../src/module.js";
import { startServices, temporaryFolder, type TestServices } from "./services.js";

export type CatalogClient = Client<typeof CatalogServiceDefinition>;

/** The catalogue at work, and those who call it. */
export interface TestCatalog {
  readonly services: TestServices;
  /** Clients by the name of the service that calls. */
  readonly edge: CatalogClient;
  readonly upload: CatalogClient;
  readonly transcode: CatalogClient;
  /** Makes a video of somebody's, whose bytes are still to come. */
  create(owner: CallScope, given?: { title?: string; visibility?: Visibility }): Promise<Video>;
  /** Makes a video whose bytes are in. */
  createUploaded(owner: CallScope, given?: { title?: string; visibility?: Visibility }): Promise<Video>;
}

/** The source that every video of these tests was made from. */
export function sourceOf(name: string): Source {
  return {
    object: name.replace("videos/", "sources/"),
    objectEtag: "e1",
    sizeBytes: 5n,
    contentType: "video/mp4",
    filename: "a.mp4",
    compositeSha256: Buffer.alloc(32, 1),
  };
}

/** A module beside it: a process of one module must not embed its store. */
const beside = defineModule({ name: "beside", clients: [], config: () => undefined, start: async () => ({}) });

/** Starts the catalogue over an embedded store of its own. */
export async function startCatalog(variables: Readonly<Record<string, string>>): Promise<TestCatalog> {
  const services = await startServices([catalog, beside], variables);
  const client = (caller: string) => services.client("catalog", CatalogServiceDefinition, caller);
  const upload = client("upload");
  const create: TestCatalog["create"] = (owner, { title = "A", visibility = Visibility.PRIVATE } = {}) =>
    upload.createVideo({ video: { title, visibility, sizeBytes: 7n }, requestId: randomUUID() }, owner);
  return {
    services,
    edge: client("gateway"),
    upload,
    transcode: client("transcode"),
    create,
    async createUploaded(owner, given) {
      const { name } = await create(owner, given);
      return upload.markUploaded({ name, source: sourceOf(name) }, owner);
    },
  };
}

/** Starts a catalogue before a file's tests, and stops it after them. */
export function useCatalog(variables: Readonly<Record<string, string>> = {}): () => TestCatalog {
  const folder = temporaryFolder();
  let running: TestCatalog | undefined;
  beforeAll(async () => {
    running = await startCatalog({ REELMESH_DATA: (await folder).path, ...variables });
  });
  afterAll(async () => {
    await running?.services.stop();
    await (await folder).remove();
  });
  return () => {
    if (!running) throw new Error("The catalogue runs while tests do");
    return running;
  };
}
