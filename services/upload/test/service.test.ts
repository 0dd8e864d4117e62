import { describe, expect, test } from "@jest/globals";
import { Video_State, Visibility } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { Upload_State } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { reasonOf, rejection, scope, until } from "../../catalog/test/support/services.js";
import { someBytes, useUploading } from "./support/uploading.js";

const running = useUploading({ UPLOAD_MAX_BYTES: "6000000000" });
const nobody = scope();
const MALFORMED = [
  "",
  "uploads",
  "uploads/",
  "uploads/..",
  "uploads/../a",
  "uploads/a/b",
  "uploads/a\0",
  "videos/a",
  `uploads/${"a".repeat(65)}`,
];

describe("who may call", () => {
  test("people create, get, list and delete; the edge alone writes", async () => {
    const { uploads, uploadsCalledBy, ann } = running.now();
    const name = "uploads/a";
    for (const call of [
      uploads.createUpload({ upload: {} }, nobody),
      uploads.getUpload({ name }, nobody),
      uploads.listUploads({}, nobody),
      uploads.deleteUpload({ name }, nobody),
      uploads.openWrite({ name }, nobody),
    ])
      expect(await reasonOf(call)).toBe("SIGN_IN_REQUIRED");
    const other = uploadsCalledBy("streaming");
    expect(await reasonOf(other.openWrite({ name }, ann))).toBe("NOT_PERMITTED");
    expect(await reasonOf(other.recordBlocks({ name }, ann))).toBe("NOT_PERMITTED");
  });

  test("another person's upload is not there, for any method", async () => {
    const { uploads, create, bob, ann } = running.now();
    const { name } = await create(5);
    const block = { id: "00000000-00000000", sha256: Buffer.alloc(32), sizeBytes: 1n };
    for (const call of [
      uploads.getUpload({ name }, bob),
      uploads.openWrite({ name }, bob),
      uploads.recordBlocks({ name, blocks: [block] }, bob),
    ])
      expect(await reasonOf(call)).toBe("RESOURCE_NOT_FOUND");
    expect(await uploads.deleteUpload({ name }, bob)).toEqual({});
    expect((await uploads.getUpload({ name }, ann)).name).toBe(name);
  });

  test("malformed and unknown names are refused", async () => {
    const { uploads, ann } = running.now();
    const block = { id: "00000000-00000000", sha256: Buffer.alloc(32), sizeBytes: 1n };
    const methods = [
      (name: string) => uploads.getUpload({ name }, ann),
      (name: string) => uploads.openWrite({ name }, ann),
      (name: string) => uploads.recordBlocks({ name, blocks: [block] }, ann),
      (name: string) => uploads.deleteUpload({ name }, ann),
    ];
    for (const call of methods) {
      for (const name of MALFORMED) expect(await reasonOf(call(name))).toBe("INVALID_FIELD");
    }
    for (const call of methods.slice(0, 3)) expect(await reasonOf(call("uploads/unknown"))).toBe("RESOURCE_NOT_FOUND");
    expect(await uploads.deleteUpload({ name: "uploads/unknown" }, ann)).toEqual({});
  });
});

describe("CreateUpload", () => {
  test("makes an upload and its video", async () => {
    const { uploads, catalog, ann } = running.now();
    const made = await uploads.createUpload(
      {
        upload: { sizeBytes: 5n, filename: "my_film.mp4", contentType: "video/mp4", clientMetadata: "filename bXk=" },
        visibility: "UNLISTED",
      },
      ann,
    );
    expect(made).toMatchObject({
      owner: "users/ann",
      state: Upload_State.RECEIVING,
      sizeBytes: 5n,
      offsetBytes: 0n,
      filename: "my_film.mp4",
      contentType: "video/mp4",
      clientMetadata: "filename bXk=",
    });
    expect(made.name).toMatch(/^uploads\/[A-Za-z0-9]{21}$/);
    expect(Number(made.expireTime) - Number(made.createTime)).toBeGreaterThanOrEqual(24 * 3600_000);
    expect(await uploads.getUpload({ name: made.name }, ann)).toEqual(made);
    expect(await catalog.getVideo({ name: made.video }, ann)).toMatchObject({
      owner: "users/ann",
      title: "my film",
      state: Video_State.UPLOADING,
      visibility: Visibility.UNLISTED,
      sizeBytes: 5n,
    });
  });

  test("the same request again, also at once, makes no other upload or video", async () => {
    const { create } = running.now();
    const raced = await Promise.all(Array.from({ length: 6 }, () => create(5, "once")));
    const again = await create(7, "once");
    expect(new Set([...raced, again].map(({ name, video }) => `${name} ${video}`)).size).toBe(1);
    expect(again.sizeBytes).toBe(5n);
  });

  test("of nothing at all is finished at once, as an empty object", async () => {
    const { create, read, catalog, ann } = running.now();
    const made = await create(0);
    expect(made).toMatchObject({ state: Upload_State.FINISHED, offsetBytes: 0n });
    expect(await read(made.video.replace("videos/", "sources/"))).toEqual(Buffer.alloc(0));
    expect((await catalog.getVideo({ name: made.video }, ann)).state).toBe(Video_State.PROCESSING);
  });

  test("beyond the limit is refused with the limit, and makes no video", async () => {
    const { create, catalog, services, uploads } = running.now();
    expect(await rejection(create(6_000_000_001))).toMatchObject({
      reason: "TOO_LARGE",
      metadata: { limit_bytes: "6000000000" },
    });
    const zoe = await services.as("zoe");
    expect(await reasonOf(uploads.createUpload({ upload: { sizeBytes: 2n ** 62n } }, zoe))).toBe("TOO_LARGE");
    expect((await catalog.listVideos({}, zoe)).videos).toEqual([]);
  });

  test("bad input is refused by its field", async () => {
    const { uploads, ann } = running.now();
    const fieldOf = async (request: Parameters<typeof uploads.createUpload>[0]) => {
      const error = await rejection(uploads.createUpload({ upload: {}, ...request }, ann));
      expect(error).toMatchObject({ reason: "INVALID_FIELD" });
      return error;
    };
    expect(await fieldOf({ title: "a".repeat(10_000) })).toMatchObject({ metadata: { field: "title" } });
    expect(await fieldOf({ title: "a\0" })).toMatchObject({ metadata: { field: "title" } });
    expect(await fieldOf({ requestId: "../a" })).toMatchObject({ metadata: { field: "request_id" } });
    expect(await fieldOf({ upload: { filename: "a\0.mp4" } })).toMatchObject({
      metadata: { field: "upload.filename" },
    });
    expect(await fieldOf({ upload: { sizeBytes: -5n } })).toMatchObject({ metadata: { field: "upload.size_bytes" } });
  });
});

describe("ListUploads", () => {
  test("lists a person's unfinished ones, newest first, page by page", async () => {
    const { uploads, services } = running.now();
    const zoe = await services.as("lister");
    const names: string[] = [];
    for (let index = 0; index < 5; index++)
      names.unshift((await uploads.createUpload({ upload: { sizeBytes: 5n } }, zoe)).name);
    await uploads.createUpload({ upload: { sizeBytes: 0n } }, zoe);
    const first = await uploads.listUploads({ pageSize: 2 }, zoe);
    await uploads.deleteUpload({ name: first.uploads[1]?.name ?? "" }, zoe);
    await uploads.createUpload({ upload: { sizeBytes: 5n } }, zoe);
    const second = await uploads.listUploads({ pageSize: 2, pageToken: first.nextPageToken }, zoe);
    const third = await uploads.listUploads({ pageSize: 2, pageToken: second.nextPageToken }, zoe);
    expect([first, second, third].flatMap((page) => page.uploads.map(({ name }) => name))).toEqual(names);
    expect(third.nextPageToken).toBe("");
    expect((await uploads.listUploads({}, await services.as("nobody-yet"))).uploads).toEqual([]);
  });

  test("takes its own tokens from the same person alone", async () => {
    const { uploads, ann, bob, create } = running.now();
    await create(5);
    await create(5);
    const { nextPageToken: pageToken } = await uploads.listUploads({ pageSize: 1 }, ann);
    for (const [token, who] of [
      [pageToken, bob],
      ["x", ann],
      ["\0", ann],
      [`${pageToken}A`, ann],
    ] as const)
      expect(await rejection(uploads.listUploads({ pageToken: token }, who))).toMatchObject({
        metadata: { field: "page_token" },
      });
    expect(await rejection(uploads.listUploads({ pageSize: -1 }, ann))).toMatchObject({
      metadata: { field: "page_size" },
    });
  });
});

describe("bytes coming in", () => {
  test("in blocks, records and writes of any size become the video's source", async () => {
    const { create, open, read, catalog, uploads, ann } = running.now();
    const bytes = someBytes(1000);
    const { name, video } = await create(bytes.length);
    const first = await open(name);
    expect(first.opened).toMatchObject({
      object: video.replace("videos/", "sources/"),
      blockSizeBytes: 2n ** 21n,
      fence: 1n,
    });
    await first.write(bytes.subarray(0, 1));
    const blocks = [await first.stage(bytes.subarray(1, 400)), await first.stage(bytes.subarray(400, 401))];
    expect(await first.record(blocks)).toMatchObject({ offsetBytes: 401n, state: Upload_State.RECEIVING });
    const second = await open(name, 401);
    const finished = await second.write(bytes.subarray(401));
    expect(finished).toMatchObject({ offsetBytes: 1000n, state: Upload_State.FINISHED });
    expect(await read(second.opened.object)).toEqual(bytes);
    expect(await catalog.getVideo({ name: video }, ann)).toMatchObject({
      state: Video_State.PROCESSING,
      sizeBytes: 1000n,
    });
    expect((await uploads.listUploads({}, ann)).uploads.map((upload) => upload.name)).not.toContain(name);
  });

  test("a declaration of 5 GB with 5 bytes stays where it is", async () => {
    const { create, open, uploads, ann } = running.now();
    const { name } = await create(5_000_000_000);
    const writer = await open(name);
    expect(await writer.write(Buffer.from("hello"))).toMatchObject({ offsetBytes: 5n, state: Upload_State.RECEIVING });
    expect(await uploads.getUpload({ name }, ann)).toMatchObject({ sizeBytes: 5_000_000_000n, offsetBytes: 5n });
    expect(await rejection(open(name, 5_000_000_000))).toMatchObject({
      reason: "OFFSET_MISMATCH",
      metadata: { offset: "5" },
    });
  });

  test("more than was declared is refused, and what is missing still fits", async () => {
    const { create, open } = running.now();
    const { name } = await create(5);
    const writer = await open(name);
    const block = await writer.stage(Buffer.from("hello!"));
    expect(await rejection(writer.record([block]))).toMatchObject({
      reason: "TOO_LARGE",
      metadata: { limit_bytes: "5" },
    });
    expect(await writer.write(Buffer.from("hello"))).toMatchObject({ state: Upload_State.FINISHED });
  });

  test("a write that starts elsewhere is told where the upload stands", async () => {
    const { create, open, uploads, ann } = running.now();
    const { name } = await create(10);
    const writer = await open(name);
    await writer.write(Buffer.from("hello"));
    for (const offset of [0, 4, 6, 10])
      expect(await rejection(open(name, offset))).toMatchObject({
        reason: "OFFSET_MISMATCH",
        metadata: { offset: "5" },
      });
    for (const offset of [-1n, 2n ** 62n])
      expect(await rejection(uploads.openWrite({ name, offset }, ann))).toMatchObject({
        metadata: { field: "offset" },
      });
    const block = await writer.stage(Buffer.from("x"));
    for (const offset of [0, 6]) expect(await reasonOf(writer.record([block], offset))).toBe("OFFSET_MISMATCH");
  });

  test("a finished upload takes no more", async () => {
    const { create, open } = running.now();
    const { name } = await create(5);
    await (await open(name)).write(Buffer.from("hello"));
    expect(await reasonOf(open(name, 5))).toBe("OFFSET_MISMATCH");
  });
});

describe("writers", () => {
  test("the newest wins: what the one before records is refused and never in the object", async () => {
    const { create, open, read } = running.now();
    const { name } = await create(10);
    const stale = await open(name);
    await stale.write(Buffer.from("abc"));
    const late = await stale.stage(Buffer.from("STALE"));
    const newest = await open(name, 3);
    expect(newest.opened.fence).toBe(2n);
    expect(await reasonOf(stale.record([late]))).toBe("WRITE_SUPERSEDED");
    await newest.write(Buffer.from("defg"));
    expect(await reasonOf(stale.record([late]))).toBe("WRITE_SUPERSEDED");
    expect(await newest.write(Buffer.from("hij"))).toMatchObject({ state: Upload_State.FINISHED });
    expect(await read(newest.opened.object)).toEqual(Buffer.from("abcdefghij"));
  });

  test("a fence is for the blocks of its own writer, in storage and here", async () => {
    const { create, open, storage, ann } = running.now();
    const { name } = await create(10);
    const stale = await open(name);
    const block = await stale.stage(Buffer.from("hello"));
    const newest = await open(name);
    expect(await reasonOf(newest.record([block]))).toBe("INVALID_FIELD");
    const { capability, object } = newest.opened;
    const forged = { capability, object, blockId: block.id, data: Buffer.from("x") };
    expect(await reasonOf(storage.stageBlock(forged, ann))).toBe("INVALID_FIELD");
  });

  test("at once: each gets a fence, one of them goes on", async () => {
    const { create, open, read } = running.now();
    const { name } = await create(5);
    const writers = await Promise.all(Array.from({ length: 6 }, () => open(name)));
    expect(new Set(writers.map(({ opened }) => opened.fence)).size).toBe(6);
    const texts = writers.map((_, index) => `text${index}`);
    const outcomes = await Promise.all(
      writers.map(async (writer, index) => reasonOf(writer.write(Buffer.from(texts[index] ?? "")))),
    );
    const winner = writers.findIndex(({ opened }) => opened.fence === 6n);
    const lost = outcomes.map((_, index) => (index === winner ? undefined : "WRITE_SUPERSEDED"));
    expect(outcomes).toEqual(lost);
    expect(String(await read(writers[0]?.opened.object ?? ""))).toBe(texts[winner]);
  });

  test("a record that comes twice, also late, changes nothing", async () => {
    const { create, open, read } = running.now();
    const { name } = await create(10);
    const writer = await open(name);
    const one = [await writer.stage(Buffer.from("abc"))];
    const two = [await writer.stage(Buffer.from("def"))];
    const first = await writer.record(one, 0);
    expect(await writer.record(one, 0)).toEqual(first);
    const second = await writer.record(two, 3);
    expect(await writer.record(one, 0)).toEqual(second);
    const three = [await writer.stage(Buffer.from("ghij"))];
    const last = await writer.record(three, 6);
    expect(await writer.record(three, 6)).toEqual(last);
    expect(await writer.record(one, 0)).toEqual(last);
    expect(await read(writer.opened.object)).toEqual(Buffer.from("abcdefghij"));
  });

  test("other blocks in the place of recorded ones are refused, and replace nothing", async () => {
    const { create, open, read } = running.now();
    const { name } = await create(10);
    const writer = await open(name);
    await writer.write(Buffer.from("abcde"));
    for (const text of ["FGHIJ", "FG", "FGHIJKL"])
      expect(await reasonOf(writer.record([await writer.stage(Buffer.from(text))], 0))).toBe("OFFSET_MISMATCH");
    await writer.record([await writer.stage(Buffer.from("fghij"))], 5);
    expect(await read(writer.opened.object)).toEqual(Buffer.from("abcdefghij"));
  });
});

describe("DeleteUpload", () => {
  test("removes an unfinished upload with its bytes and its video", async () => {
    const { create, open, uploads, catalog, storage, allow, ann } = running.now();
    const { name, video } = await create(10);
    const writer = await open(name);
    const block = await writer.stage(Buffer.from("hello"));
    await writer.record([block]);
    expect(await uploads.deleteUpload({ name }, ann)).toEqual({});
    expect(await uploads.deleteUpload({ name }, ann)).toEqual({});
    expect(await reasonOf(uploads.getUpload({ name }, ann))).toBe("RESOURCE_NOT_FOUND");
    expect((await catalog.listVideos({ showDeleted: true }, ann)).videos.map((found) => found.name)).not.toContain(
      video,
    );
    const { object } = writer.opened;
    const commit = { capability: allow(object, ["write"]), object, blocks: [block] };
    expect(await reasonOf(storage.commitBlocks(commit, ann))).toBe("BLOCK_NOT_STAGED");
    expect(await reasonOf(open(name, 5))).toBe("RESOURCE_NOT_FOUND");
    const late = await writer.stage(Buffer.from("world"));
    expect(await reasonOf(writer.record([late], 5))).toBe("RESOURCE_NOT_FOUND");
  });

  test("of a finished one is refused: the video is what to delete", async () => {
    const { create, open, uploads, read, ann } = running.now();
    const { name } = await create(5);
    const writer = await open(name);
    await writer.write(Buffer.from("hello"));
    expect(await reasonOf(uploads.deleteUpload({ name }, ann))).toBe("WRONG_STATE");
    expect(await read(writer.opened.object)).toEqual(Buffer.from("hello"));
  });

  test("raced with the last bytes ends one way or the other, never between", async () => {
    const { create, open, uploads, catalog, read, ann } = running.now();
    for (let round = 0; round < 8; round++) {
      const { name, video } = await create(5);
      const writer = await open(name);
      const block = await writer.stage(Buffer.from("hello"));
      const [recorded, deleted] = await Promise.all([
        reasonOf(writer.record([block])),
        reasonOf(uploads.deleteUpload({ name }, ann)),
      ]);
      if (deleted === undefined) {
        expect(recorded).toBe("RESOURCE_NOT_FOUND");
        expect(await read(writer.opened.object)).toBeUndefined();
        const { videos } = await catalog.listVideos({}, ann);
        expect(videos.map((found) => found.name)).not.toContain(video);
      } else {
        expect([recorded, deleted]).toEqual([undefined, "WRONG_STATE"]);
        expect(await read(writer.opened.object)).toEqual(Buffer.from("hello"));
      }
    }
  });

  test("after it the same request makes another upload", async () => {
    const { create, uploads, ann } = running.now();
    const first = await create(5, "again");
    await uploads.deleteUpload({ name: first.name }, ann);
    const second = await create(5, "again");
    expect(second.name).not.toBe(first.name);
    expect(second.video).not.toBe(first.video);
  });
});

describe("a video that is deleted while its bytes come in", () => {
  test("takes its upload along with the last of them", async () => {
    const { create, open, uploads, catalog, read, ann } = running.now();
    const { name, video } = await create(10);
    const writer = await open(name);
    await writer.write(Buffer.from("hello"));
    await catalog.deleteVideo({ name: video }, ann);
    expect(await reasonOf(writer.write(Buffer.from("world")))).toBe("RESOURCE_NOT_FOUND");
    expect(await reasonOf(uploads.getUpload({ name }, ann))).toBe("RESOURCE_NOT_FOUND");
    await until(async () => (await read(writer.opened.object)) === undefined);
  });
});
