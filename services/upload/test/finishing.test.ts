import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { OPERATOR } from "@reelmesh/mesh/access.js";
import { Action, Video_State } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { SweepServiceDefinition } from "@reelmesh/proto/reelmesh/mesh/v1/sweep_service.js";
import { Upload_State, type Upload } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { reasonOf, rejection, scope, until } from "../../catalog/test/support/services.js";
import type { UploadRepository } from "../src/repository.js";
import { pieceKey } from "../src/upload.js";
import { keptUpload } from "./repository.js";
import { idOf, useUploading } from "./support/uploading.js";

const running = useUploading();

const HELLO = Buffer.from("hello");
const WORLD = Buffer.from("world");

const stateOf = async (name: string) => {
  const { uploads, ann } = running.now();
  return (await uploads.getUpload({ name }, ann)).state;
};
const videoOf = (video: string) => running.now().catalog.getVideo({ name: video }, running.now().ann);
const sourceOf = (video: string) => video.replace("videos/", "sources/");
/** Whether a video is deleted or already purged. */
const isEnded = async (video: string) => {
  const request = { name: video, action: Action.MANAGE, viewer: "users/ann" };
  const check = running.now().catalog.checkAccess(request, scope());
  return (await reasonOf(check)) === "RESOURCE_NOT_FOUND" || !(await check).allowed;
};

/** An upload of ten bytes, the first five of which are in, and the other five staged. */
async function halfway(): Promise<{
  upload: Upload;
  fence: number;
  block: { id: string; sha256: Buffer; sizeBytes: number };
}> {
  const { create, open } = running.now();
  const upload = await create(10);
  const writer = await open(upload.name);
  await writer.write(HELLO);
  const { id, sha256, sizeBytes } = await writer.stage(WORLD);
  return {
    upload,
    fence: Number(writer.opened.fence),
    block: { id, sha256: Buffer.from(sha256), sizeBytes: Number(sizeBytes) },
  };
}

type Halfway = Awaited<ReturnType<typeof halfway>>;

/** What RecordBlocks writes first. */
async function keepLastPiece(uploads: UploadRepository, { upload, fence, block }: Halfway): Promise<void> {
  const id = idOf(upload.name);
  await uploads.keepPiece({ _id: pieceKey(id, 5), schema: 1, upload: id, offset: 5, fence, blocks: [block] });
}

/** What RecordBlocks writes second. */
async function moveToFinishing(uploads: UploadRepository, { upload, fence }: Halfway): Promise<void> {
  const here = { _id: idOf(upload.name), state: "RECEIVING", offset: 5, fence } as const;
  expect(await uploads.advance(here, { offset: 10, state: "FINISHING", blocks: 2 })).toBeDefined();
}

/** What finishing does first: the object is made. */
async function commit({ upload, block }: Halfway, first: { id: string }): Promise<string> {
  const { storage, allow } = running.now();
  const object = sourceOf(upload.video);
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
  const blocks = [
    { id: first.id, sha256: digest(HELLO), sizeBytes: 5n },
    { id: block.id, sha256: block.sha256, sizeBytes: 5n },
  ];
  const capability = allow(object, ["write"]);
  return (await storage.commitBlocks({ capability, object, blocks, contentType: "video/mp4" }, scope())).etag;
}

const FIRST = { id: "00000001-00000000" };

async function expectFinished({ upload }: Halfway): Promise<void> {
  await until(async () => (await stateOf(upload.name)) === Upload_State.FINISHED);
  expect(await running.now().read(sourceOf(upload.video))).toEqual(Buffer.concat([HELLO, WORLD]));
  expect(await videoOf(upload.video)).toMatchObject({ state: Video_State.PROCESSING, sizeBytes: 10n });
}

describe("a crash while a piece is recorded", () => {
  test("before its place is taken: it does not count, and what is written in its place does", async () => {
    const half = await halfway();
    await running.whileStopped((uploads) => keepLastPiece(uploads, half));
    const { open, read } = running.now();
    const { name, video } = half.upload;
    expect(await reasonOf(open(name, 10))).toBe("OFFSET_MISMATCH");
    const writer = await open(name, 5);
    await writer.write(Buffer.from("W"));
    expect(await writer.write(Buffer.from("ORLD"))).toMatchObject({ state: Upload_State.FINISHED });
    expect(await read(sourceOf(video))).toEqual(Buffer.from("helloWORLD"));
  });
});

describe("a crash while an upload is finished is completed by itself", () => {
  test("before the object is made", async () => {
    const half = await halfway();
    await running.whileStopped(async (uploads) => {
      await keepLastPiece(uploads, half);
      await moveToFinishing(uploads, half);
    });
    await expectFinished(half);
  });

  test("before the catalogue is told", async () => {
    const half = await halfway();
    await commit(half, FIRST);
    await running.whileStopped(async (uploads) => {
      await keepLastPiece(uploads, half);
      await moveToFinishing(uploads, half);
    });
    await expectFinished(half);
  });

  test("before that is written down", async () => {
    const half = await halfway();
    const objectEtag = await commit(half, FIRST);
    const object = sourceOf(half.upload.video);
    const source = {
      object,
      objectEtag,
      sizeBytes: 10n,
      contentType: "video/mp4",
      filename: "a_film.mp4",
      compositeSha256: Buffer.alloc(32),
    };
    await running.now().ownCatalog.markUploaded({ name: half.upload.video, source }, scope());
    await running.whileStopped(async (uploads) => {
      await keepLastPiece(uploads, half);
      await moveToFinishing(uploads, half);
    });
    await expectFinished(half);
  });

  test("the video being deleted meanwhile: nothing of it is left, and no other is held up", async () => {
    const gone = await halfway();
    const other = await halfway();
    const { catalog, ann } = running.now();
    await catalog.deleteVideo({ name: gone.upload.video }, ann);
    await running.whileStopped(async (uploads) => {
      for (const half of [gone, other]) {
        await keepLastPiece(uploads, half);
        await moveToFinishing(uploads, half);
      }
    });
    await expectFinished(other);
    await until(async () => (await reasonOf(stateOf(gone.upload.name))) === "RESOURCE_NOT_FOUND");
    expect(await running.now().read(sourceOf(gone.upload.video))).toBeUndefined();
  });

  test("the video and its source being gone altogether", async () => {
    const { create, open } = running.now();
    const { name } = await create(5);
    const writer = await open(name);
    await writer.write(HELLO);
    const { object } = writer.opened;
    await running.whileStopped(async (uploads) => {
      const unknown = "videos/0123456789abcdef";
      const back = { state: "FINISHING", video: unknown } as const;
      expect(await uploads.advance({ _id: idOf(name), state: "FINISHED" }, back)).toBeDefined();
    });
    await until(async () => (await reasonOf(stateOf(name))) === "RESOURCE_NOT_FOUND");
    // Its own source was another's business by then.
    expect(await running.now().read(object)).toEqual(HELLO);
  });

  test("a piece that the store lost leaves it unfinished, and makes no object", async () => {
    const half = await halfway();
    const healthy = await halfway();
    await running.whileStopped(async (uploads) => {
      await moveToFinishing(uploads, half);
      await keepLastPiece(uploads, healthy);
      await moveToFinishing(uploads, healthy);
    });
    await expectFinished(healthy);
    expect(await stateOf(half.upload.name)).toBe(Upload_State.FINISHING);
    expect(await running.now().read(sourceOf(half.upload.video))).toBeUndefined();
    expect((await videoOf(half.upload.video)).state).toBe(Video_State.UPLOADING);
  });
});

describe("a crash while an upload is created", () => {
  const creating = (id: string) =>
    keptUpload({ _id: id, state: "CREATING", video: "", sizeBytes: 10, expireTime: new Date() });

  test("leaves neither it nor its video, whether that was made or not", async () => {
    const { ownCatalog, ann } = running.now();
    const { name } = await ownCatalog.createVideo({ video: { title: "A" }, requestId: "with-video" }, ann);
    await running.whileStopped(async (uploads) => {
      await uploads.insert(creating("with-video"));
      await uploads.insert(creating("without-video"));
    });
    await until(async () => (await reasonOf(stateOf("uploads/with-video"))) === "RESOURCE_NOT_FOUND");
    await until(async () => (await reasonOf(stateOf("uploads/without-video"))) === "RESOURCE_NOT_FOUND");
    await until(() => isEnded(name));
    const { videos } = await running.now().catalog.listVideos({}, running.now().ann);
    expect(videos.map((video) => video.name)).not.toContain(name);
  });

  test("does not hinder the same request: it goes on where it was", async () => {
    const { ownCatalog, ann } = running.now();
    const { name } = await ownCatalog.createVideo({ video: { title: "A" }, requestId: "kept" }, ann);
    await running.whileStopped(async (uploads) => {
      const expireTime = new Date(Date.now() + 3_600_000);
      await uploads.insert({ ...creating("kept"), requestId: "same", expireTime });
    });
    const again = await running.now().create(10, "same");
    expect(again).toMatchObject({ name: "uploads/kept", video: name, state: Upload_State.RECEIVING });
  });
});

describe("a crash while an upload is removed is completed by itself", () => {
  const steps: readonly [string, (half: Halfway) => Promise<unknown>][] = [
    ["before its bytes are", async () => undefined],
    [
      "before its video is",
      async ({ upload }) => {
        const object = sourceOf(upload.video);
        await running
          .now()
          .storage.deleteObject({ capability: running.now().allow(object, ["delete"]), object }, scope());
      },
    ],
    [
      "before it itself is",
      async ({ upload }) => running.now().catalog.deleteVideo({ name: upload.video }, running.now().ann),
    ],
  ];

  test.each(steps)("%s", async (_, done) => {
    const half = await halfway();
    await done(half);
    const _id = idOf(half.upload.name);
    await running.whileStopped(async (uploads) => {
      expect(await uploads.advance({ _id, state: "RECEIVING" }, { state: "REMOVING" })).toBeDefined();
    });
    await until(async () => !(await removing()).includes(half.upload.name));
    expect(await isEnded(half.upload.video)).toBe(true);
    expect(await running.now().read(sourceOf(half.upload.video))).toBeUndefined();
    await running.whileStopped(async (uploads) => {
      expect(await uploads.find(_id)).toBeUndefined();
      expect(await uploads.pieces(_id)).toEqual([]);
    });
  });

  /** The uploads of which something is left to be removed, as operators are told. */
  async function removing(): Promise<string[]> {
    const { services } = running.now();
    const operators = scope({ principalToken: await services.tokens.forPrincipal(OPERATOR, 60) });
    const sweeps = services.client("upload", SweepServiceDefinition, "operator");
    const resources: string[] = [];
    for await (const { resource } of sweeps.sweep({ dryRun: true }, operators)) resources.push(resource);
    return resources;
  }
});

describe("pieces too many", () => {
  /** An upload of ten bytes that has come in so many blocks, five bytes in all. */
  async function withBlocks(blocks: number): Promise<Upload> {
    const { upload } = await halfway();
    await running.whileStopped(async (uploads) => {
      expect(await uploads.advance({ _id: idOf(upload.name), state: "RECEIVING" }, { blocks })).toBeDefined();
    });
    return upload;
  }

  test("are refused with a sentence as soon as the rest could not fit, and one that fits is taken", async () => {
    const { name } = await withBlocks(49_999);
    const writer = await running.now().open(name, 5);
    expect(await rejection(writer.write(Buffer.from("w")))).toMatchObject({
      reason: "TOO_MANY_PIECES",
      message: `${name} came in too many small pieces: it may come in at most 50000; start it again with larger ones.`,
    });
    expect(await writer.write(WORLD)).toMatchObject({ state: Upload_State.FINISHED });
  });

  test("leave nothing to write", async () => {
    const { name } = await withBlocks(50_000);
    expect(await reasonOf(running.now().open(name, 5))).toBe("TOO_MANY_PIECES");
  });
});
