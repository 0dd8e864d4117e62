import { describe, expect, test } from "@jest/globals";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import { Action, CatalogServiceDefinition, Video_State } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { Upload_State, type Upload } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { reasonOf, scope, until } from "../../catalog/test/support/services.js";
import { createSourceSweep } from "../src/reconcile.js";
import { useUploading, type Uploading } from "./support/uploading.js";

const HELLO = Buffer.from("hello");
const NEVER = "86400";

describe("an upload that nobody goes on with", () => {
  const running = useUploading({ UPLOAD_EXPIRE_SECONDS: "1", CATALOG_PURGE_SECONDS: "1" });

  test("is removed with its blocks and its video", async () => {
    const { create, open, uploads, catalog, storage, allow, ann } = running.now();
    const { name, video } = await create(10);
    const writer = await open(name);
    const block = await writer.stage(HELLO);
    await writer.record([block]);
    await until(async () => (await reasonOf(uploads.getUpload({ name }, ann))) === "RESOURCE_NOT_FOUND");
    const check = () => catalog.checkAccess({ name: video, action: Action.WATCH, viewer: "" }, scope());
    await until(async () => (await reasonOf(check())) === "RESOURCE_NOT_FOUND");
    const { object } = writer.opened;
    const commit = { capability: allow(object, ["write"]), object, blocks: [block] };
    await until(async () => (await reasonOf(storage.commitBlocks(commit, scope()))) === "BLOCK_NOT_STAGED");
  });

  test("is forgotten once it is finished, and its video stays", async () => {
    const { create, open, uploads, catalog, read, ann } = running.now();
    const { name, video } = await create(5);
    const writer = await open(name);
    expect((await writer.write(HELLO)).state).toBe(Upload_State.FINISHED);
    await until(async () => (await reasonOf(uploads.getUpload({ name }, ann))) === "RESOURCE_NOT_FOUND");
    expect((await catalog.getVideo({ name: video }, ann)).state).toBe(Video_State.PROCESSING);
    expect(await read(writer.opened.object)).toEqual(HELLO);
  });
});

describe("an upload whose time is up, before anything removed it", () => {
  const running = useUploading({ UPLOAD_EXPIRE_SECONDS: "1", UPLOAD_RECONCILE_SECONDS: NEVER });
  const isExpired = ({ expireTime }: Upload) => expireTime !== undefined && expireTime <= new Date();

  test("takes no new writer", async () => {
    const { create, open, uploads, ann } = running.now();
    const { name } = await create(10);
    await until(async () => isExpired(await uploads.getUpload({ name }, ann)));
    expect(await reasonOf(open(name))).toBe("RESOURCE_NOT_FOUND");
  });

  test("lives on when bytes come in after all, from a writer that was there before", async () => {
    const { create, open, uploads, ann } = running.now();
    const { name } = await create(10);
    const writer = await open(name);
    const [first, second] = [await writer.stage(HELLO), await writer.stage(HELLO)];
    await until(async () => isExpired(await uploads.getUpload({ name }, ann)));
    expect((await writer.record([first])).offsetBytes).toBe(5n);
    expect((await writer.record([second])).state).toBe(Upload_State.FINISHED);
  });
});

describe("the sweep of sources", () => {
  const running = useUploading({ UPLOAD_SWEEP_SECONDS: NEVER, CATALOG_KEEP_DELETED_SECONDS: "3600" });

  const orphan = async (name: string) => {
    const { storage, allow } = running.now();
    const object = `sources/${name}`;
    await storage.commitBlocks({ capability: allow(object, ["write"]), object }, scope());
    return object;
  };
  const sweep = async (olderThanMs: number, given: { catalog?: Uploading["ownCatalog"]; dryRun?: boolean } = {}) => {
    const { ownCatalog, storage, services } = running.now();
    const { catalog = ownCatalog, dryRun = false } = given;
    const sources = createSourceSweep({ catalog, storage, keys: services.keys, olderThanMs });
    const swept: string[] = [];
    for await (const name of sources.run(scope(), { dryRun })) swept.push(name);
    return swept;
  };
  const isThere = async (object: string) => (await running.now().read(object)) !== undefined;

  test("removes those whose video is gone, and never one that is known", async () => {
    const { create, open, catalog, ann } = running.now();
    const objects: string[] = [];
    for (const name of [(await create(5)).name, (await create(5)).name]) {
      const writer = await open(name);
      await writer.write(HELLO);
      objects.push(writer.opened.object);
    }
    const [kept = "", deleted = ""] = objects;
    await catalog.deleteVideo({ name: deleted.replace("sources/", "videos/") }, ann);
    const gone = [await orphan("0123456789abcdef"), await orphan("no.video_id")];
    expect(await sweep(0, { dryRun: true })).toEqual(gone);
    expect(await Promise.all(gone.map(isThere))).toEqual([true, true]);
    expect(await sweep(0)).toEqual(gone);
    expect(await Promise.all([kept, deleted, ...gone].map(isThere))).toEqual([true, true, false, false]);
  });

  test("never removes a young one: its video may be on its way", async () => {
    const object = await orphan("fedcba9876543210");
    await sweep(3_600_000);
    expect(await isThere(object)).toBe(true);
    await sweep(0);
    expect(await isThere(object)).toBe(false);
  });

  test("removes nothing when the catalogue does not answer", async () => {
    const object = await orphan("00000000000000ff");
    const { services } = running.now();
    const nowhere = openChannel("catalog", "127.0.0.1:1", "upload", services.tokens);
    const catalog = createClient(CatalogServiceDefinition, nowhere);
    expect(await reasonOf(sweep(0, { catalog }))).toBe("SERVICE_UNAVAILABLE");
    nowhere.close();
    expect(await isThere(object)).toBe(true);
  });
});

describe("the sweep by itself", () => {
  const running = useUploading({
    UPLOAD_SWEEP_AGE_SECONDS: "0",
    CATALOG_KEEP_DELETED_SECONDS: "0",
    CATALOG_PURGE_SECONDS: "1",
  });

  test("removes a deleted video's source once the video is purged", async () => {
    const { create, open, catalog, read, ann } = running.now();
    const { name, video } = await create(5);
    const writer = await open(name);
    await writer.write(HELLO);
    await catalog.deleteVideo({ name: video }, ann);
    await until(async () => (await read(writer.opened.object)) === undefined);
  });
});
