import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { catalog as catalogModule } from "@reelmesh/catalog/module.js";
import { openData, type Data } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import type { CallContext } from "@reelmesh/mesh/call.js";
import { createPageTokens } from "@reelmesh/mesh/page-token.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { storage as storageModule } from "@reelmesh/storage/module.js";
import {
  reasonOf,
  scope,
  startServices,
  temporaryFolder,
  type TestServices,
} from "../../catalog/test/support/services.js";
import { createFinishing, type Finishing } from "../src/finishing.js";
import { reconcileUploads } from "../src/reconcile.js";
import { openUploads, type UploadRepository } from "../src/repository.js";
import { createUploadService } from "../src/service.js";
import { pieceKey, type Piece, type Upload } from "../src/upload.js";
import { createWrites, type Writes } from "../src/writes.js";
import { keptUpload } from "./repository.js";

/*
 * What happens between two steps of one piece of work, put there on purpose: the parts are the real ones, called as
 * the service calls them, and something else is done while one of them is at it.
 */

const folders = [temporaryFolder(), temporaryFolder()];
const LATER = () => new Date(Date.now() + 3_600_000);
let services: TestServices;
let documents: Data;
let uploads: UploadRepository;
let finishing: Finishing;
let writes: Writes;

beforeAll(async () => {
  const [data = "", own = ""] = await Promise.all(folders.map(async (folder) => (await folder).path));
  services = await startServices([storageModule, catalogModule], { REELMESH_DATA: data });
  documents = await openData(await openDocuments({ folder: own }));
  uploads = await openUploads(documents);
  const catalog = services.client("catalog", CatalogServiceDefinition, "upload");
  const storage = services.client("storage", StorageServiceDefinition, "upload");
  const { keys, tokens } = services;
  finishing = createFinishing({ uploads, catalog, storage, keys, tokens, onFinished: () => undefined });
  writes = createWrites(uploads, LATER);
});
afterAll(async () => {
  await documents.close();
  await services.stop();
  for (const folder of folders) await (await folder).remove();
});

const pieceAt = ({ _id }: Upload, offset: number, fence: number, sizeBytes = 5): Piece => ({
  _id: pieceKey(_id, offset),
  schema: 1,
  upload: _id,
  offset,
  fence,
  blocks: [{ id: `${fence}`, sha256: Buffer.alloc(32, fence), sizeBytes }],
});

describe("a record on its way", () => {
  test("while another writer takes over does not count", async () => {
    const stale = await writes.open(await uploads.insert(keptUpload()), 0);
    await writes.open(stale, 0);
    expect(await reasonOf(writes.record(stale, pieceAt(stale, 0, 1)))).toBe("WRITE_SUPERSEDED");
    expect(await uploads.find(stale._id)).toMatchObject({ offset: 0, fence: 2, blocks: 0 });
  });

  test("while another writer takes over and records in its place replaces nothing", async () => {
    const stale = await writes.open(await uploads.insert(keptUpload()), 0);
    const newest = await writes.open(stale, 0);
    const recorded = await writes.record(newest, pieceAt(newest, 0, 2, 7));
    expect(await reasonOf(writes.record(stale, pieceAt(stale, 0, 1)))).toBe("WRITE_SUPERSEDED");
    expect(await uploads.find(stale._id)).toEqual(recorded);
    expect(await uploads.findPiece(stale._id, 0)).toEqual(pieceAt(newest, 0, 2, 7));
  });

  test("while the upload is removed finds it gone", async () => {
    const known = await writes.open(await uploads.insert(keptUpload()), 0);
    await uploads.advance({ _id: known._id, state: "RECEIVING" }, { state: "REMOVING" });
    expect(await reasonOf(writes.record(known, pieceAt(known, 0, 1)))).toBe("RESOURCE_NOT_FOUND");
  });

  test("under a fence that nobody was given leaves the upload to its writer", async () => {
    const known = await writes.open(await uploads.insert(keptUpload()), 0);
    expect(await reasonOf(writes.record(known, pieceAt(known, 0, 9)))).toBe("WRITE_SUPERSEDED");
    expect(await writes.record(known, pieceAt(known, 0, 1, 10))).toMatchObject({ state: "FINISHING", offset: 10 });
    expect(await uploads.pieces(known._id)).toEqual([pieceAt(known, 0, 1, 10)]);
  });
});

describe("a creation on its way", () => {
  const creating = () => uploads.insert(keptUpload({ state: "CREATING", video: "" }));

  test("while the upload is given up, finds it gone", async () => {
    const [condemned, removed] = [await creating(), await creating()];
    await uploads.advance({ _id: condemned._id, state: "CREATING" }, { state: "REMOVING" });
    await uploads.remove(removed._id);
    for (const upload of [condemned, removed])
      expect(await reasonOf(finishing.begin(upload, LATER(), scope()))).toBe("RESOURCE_NOT_FOUND");
  });

  test("while the same request is answered and written to, finds it where it stands", async () => {
    const upload = await creating();
    const begun = await finishing.begin(upload, LATER(), scope());
    const written = await writes.record(await writes.open(begun, 0), pieceAt(upload, 0, 1));
    expect(await finishing.begin(upload, LATER(), scope())).toEqual(written);
  });
});

test("an upload that is written to while others are expired is not", async () => {
  const expireTime = new Date(Date.now() - 1000);
  const first = await uploads.insert(keptUpload({ expireTime: new Date(expireTime.getTime() - 1) }));
  const second = await writes.open(await uploads.insert(keptUpload()), 0);
  await uploads.advance({ _id: second._id, state: "RECEIVING" }, { expireTime });
  const busy: Finishing = {
    ...finishing,
    async remove(upload, within) {
      if (upload._id === first._id) await writes.record(second, pieceAt(second, 0, 1));
      await finishing.remove(upload, within);
    },
  };
  await reconcileUploads({ uploads, finishing: busy, log: services.log }, scope());
  expect(await uploads.find(first._id)).toBeUndefined();
  expect(await uploads.find(second._id)).toMatchObject({ state: "RECEIVING", offset: 5 });
});

test("an upload whose last bytes come in while it is deleted is not deleted", async () => {
  const known = await writes.open(await uploads.insert(keptUpload()), 0);
  const record = () => writes.record(known, pieceAt(known, 0, 1, 10));
  let between: (() => Promise<unknown>) | undefined = record;
  const busy: UploadRepository = {
    ...uploads,
    async find(id) {
      const found = await uploads.find(id);
      const work = between;
      between = undefined;
      await work?.();
      return found;
    },
  };
  const service = createUploadService({
    uploads: busy,
    finishing,
    pages: createPageTokens(services.keys),
    keys: services.keys,
    config: { maxBytes: 100, keepMs: 1000 },
    nudge: () => undefined,
  });
  const context: CallContext = { ...scope(), principal: { name: "users/ann" }, peer: "test", log: services.log };
  expect(await reasonOf(service.deleteUpload({ name: `uploads/${known._id}` }, context))).toBe("WRONG_STATE");
  expect(await uploads.find(known._id)).toMatchObject({ state: "FINISHING", offset: 10 });
});
