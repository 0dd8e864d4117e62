import { beforeAll, describe, expect, test } from "@jest/globals";
import type { CallScope } from "@reelmesh/mesh/call.js";
import {
  Action,
  CatalogServiceDefinition,
  GetVideoRequest,
  ListVideosRequest,
  UpdateVideoRequest,
  Video_State,
  Visibility,
  type Video,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { sourceOf, useCatalog } from "./support/catalog.js";
import { reasonOf, rejection, scope } from "./support/services.js";

const running = useCatalog();
let ann: CallScope;
let bob: CallScope;
const nobody = scope();

beforeAll(async () => {
  ann = await running().services.as("ann");
  bob = await running().services.as("bob");
});

/** Names that are none, for every place a name can stand. */
const MALFORMED = [
  "",
  "videos",
  "videos/",
  "videos/..",
  "videos/../a",
  "videos/a/b",
  "videos/a\0",
  "VIDEOS/a",
  "a",
  "videos/é",
  `videos/${"a".repeat(65)}`,
];

describe("who may call", () => {
  const tests: readonly [string, () => Promise<unknown>, string][] = [
    ["createVideo", () => running().edge.createVideo({ requestId: "r", video: { title: "A" } }, ann), "NOT_PERMITTED"],
    ["markUploaded", () => running().edge.markUploaded({ name: "videos/a" }, ann), "NOT_PERMITTED"],
    ["markPlayable", () => running().upload.markPlayable({ name: "videos/a" }, ann), "NOT_PERMITTED"],
    ["markReady", () => running().upload.markReady({ name: "videos/a" }, ann), "NOT_PERMITTED"],
    ["markFailed", () => running().upload.markFailed({ name: "videos/a" }, ann), "NOT_PERMITTED"],
    ["checkAccess", () => stranger().checkAccess({ name: "videos/a", action: Action.WATCH }, ann), "NOT_PERMITTED"],
    ["listChanges", () => stranger().listChanges({}, ann), "NOT_PERMITTED"],
    ["updateVideo", () => running().edge.updateVideo({ video: { name: "videos/a" } }, nobody), "SIGN_IN_REQUIRED"],
    ["deleteVideo", () => running().edge.deleteVideo({ name: "videos/a" }, nobody), "SIGN_IN_REQUIRED"],
    ["undeleteVideo", () => running().edge.undeleteVideo({ name: "videos/a" }, nobody), "SIGN_IN_REQUIRED"],
    ["retryVideo", () => running().edge.retryVideo({ name: "videos/a" }, nobody), "SIGN_IN_REQUIRED"],
  ];
  const stranger = () => running().services.client("catalog", CatalogServiceDefinition, "history");

  test.each(tests)("%s is refused to others", async (_, call, reason) => {
    expect(await reasonOf(call())).toBe(reason);
  });

  test("anybody may get and list", async () => {
    expect(await reasonOf(stranger().getVideo({ name: "videos/a" }, nobody))).toBe("RESOURCE_NOT_FOUND");
    expect(await reasonOf(stranger().listVideos({}, nobody))).toBeUndefined();
  });
});

describe("malformed and unknown names", () => {
  const methods: readonly [string, (name: string) => Promise<unknown>][] = [
    ["getVideo", (name) => running().edge.getVideo({ name }, ann)],
    ["updateVideo", (name) => running().edge.updateVideo({ video: { name, title: "B" } }, ann)],
    ["deleteVideo", (name) => running().edge.deleteVideo({ name }, ann)],
    ["undeleteVideo", (name) => running().edge.undeleteVideo({ name }, ann)],
    ["retryVideo", (name) => running().edge.retryVideo({ name }, ann)],
    ["markUploaded", (name) => running().upload.markUploaded({ name, source: sourceOf("videos/a") }, ann)],
    ["markPlayable", (name) => running().transcode.markPlayable({ name, durationMs: 1n }, nobody)],
    ["markReady", (name) => running().transcode.markReady({ name }, nobody)],
    ["markFailed", (name) => running().transcode.markFailed({ name, reason: "broken" }, nobody)],
    ["checkAccess", (name) => running().edge.checkAccess({ name, action: Action.WATCH }, nobody)],
  ];

  test.each(methods)("%s", async (_, call) => {
    for (const name of MALFORMED) expect(await reasonOf(call(name))).toBe("INVALID_FIELD");
    expect(await rejection(call("videos/unknown"))).toMatchObject({
      reason: "RESOURCE_NOT_FOUND",
      metadata: { resource: "videos/unknown" },
    });
  });
});

describe("bytes that are not UTF-8", () => {
  /** A message with the letters XX in it made into bytes that no text may have. */
  const broken = (message: Uint8Array) => {
    const bytes = Buffer.from(message);
    bytes.fill(0xff, bytes.indexOf("XX"), bytes.indexOf("XX") + 2);
    return bytes;
  };
  const update = (video: { name: string; title?: string }, updateMask: string[]) =>
    UpdateVideoRequest.encode(UpdateVideoRequest.fromPartial({ video, updateMask })).finish();

  test.each<[string, string, () => Uint8Array]>([
    ["a title", "UpdateVideo", () => update({ name: "videos/a", title: "XX" }, ["title"])],
    ["a name", "UpdateVideo", () => update({ name: "videos/XX", title: "A" }, ["title"])],
    ["a mask", "UpdateVideo", () => update({ name: "videos/a", title: "A" }, ["XX"])],
    ["a name to get", "GetVideo", () => GetVideoRequest.encode({ name: "videos/XX" }).finish()],
    [
      "a page token",
      "ListVideos",
      () => ListVideosRequest.encode(ListVideosRequest.fromPartial({ pageToken: "XX" })).finish(),
    ],
    ["an owner", "ListVideos", () => ListVideosRequest.encode(ListVideosRequest.fromPartial({ owner: "XX" })).finish()],
  ])("in %s are refused", async (_, method, request) => {
    const call = running().services.raw("catalog", "gateway");
    const path = `/reelmesh.catalog.v1.CatalogService/${method}`;
    expect(await reasonOf(call(path, broken(request()), ann))).toBe("INVALID_FIELD");
  });

  test("and bytes that are no message at all are refused", async () => {
    const call = running().services.raw("catalog", "gateway");
    const path = "/reelmesh.catalog.v1.CatalogService/GetVideo";
    for (const bytes of [Buffer.alloc(1000, 0xff), Buffer.from([0x0a, 0x7f, 0x61])])
      expect(await reasonOf(call(path, bytes, ann))).toBe("INVALID_FIELD");
  });
});

describe("CreateVideo", () => {
  test("makes a video of the caller's, on its way", async () => {
    const video = await running().create(ann, { title: " Holiday ", visibility: Visibility.PUBLIC });
    expect(video).toMatchObject({
      owner: "users/ann",
      title: "Holiday",
      visibility: Visibility.PUBLIC,
      state: Video_State.UPLOADING,
      playable: false,
      sizeBytes: 7n,
      durationMs: 0n,
      expireTime: undefined,
    });
    expect(video.name).toMatch(/^videos\/[A-Za-z0-9]{16}$/);
    expect(video.createTime).toEqual(video.updateTime);
    expect(await running().edge.getVideo({ name: video.name }, ann)).toEqual(video);
  });

  test("the same request again, also at once, makes no other", async () => {
    const request = { requestId: "once", video: { title: "A" } };
    const made = await Promise.all(Array.from({ length: 5 }, () => running().upload.createVideo(request, ann)));
    const again = await running().upload.createVideo({ ...request, video: { title: "B" } }, ann);
    expect(new Set([...made, again].map(({ name }) => name)).size).toBe(1);
    expect((await running().upload.createVideo(request, bob)).name).not.toBe(again.name);
  });

  test("is refused without a person, a video, or with what breaks a bound", async () => {
    const create = (request: Parameters<ReturnType<typeof running>["upload"]["createVideo"]>[0], who = ann) =>
      rejection(running().upload.createVideo(request, who));
    expect(await create({ requestId: "r", video: { title: "A" } }, nobody)).toMatchObject({
      reason: "SIGN_IN_REQUIRED",
    });
    expect(await create({ requestId: "r" })).toMatchObject({ metadata: { field: "video" } });
    for (const requestId of ["", "a b", "a".repeat(65), "../a", "a\0"])
      expect(await create({ requestId, video: { title: "A" } })).toMatchObject({ metadata: { field: "request_id" } });
    for (const title of ["", "a".repeat(10_000), "a\u0007", "a\0b", "\uD800"])
      expect(await create({ requestId: "r", video: { title } })).toMatchObject({ metadata: { field: "video.title" } });
    for (const sizeBytes of [-1n, 2n ** 63n - 1n])
      expect(await create({ requestId: "r", video: { title: "A", sizeBytes } })).toMatchObject({
        metadata: { field: "video.size_bytes" },
      });
  });
});

describe("GetVideo", () => {
  test("shows a video to who may watch it, and to nobody else that there is one", async () => {
    const { name } = await running().createUploaded(ann, { visibility: Visibility.MEMBERS });
    expect((await running().edge.getVideo({ name }, bob)).name).toBe(name);
    expect(await reasonOf(running().edge.getVideo({ name }, nobody))).toBe("RESOURCE_NOT_FOUND");
    const secret = await running().createUploaded(ann);
    expect(await reasonOf(running().edge.getVideo({ name: secret.name }, bob))).toBe("RESOURCE_NOT_FOUND");
  });

  test("a deleted one only to its owner", async () => {
    const { name } = await running().createUploaded(ann, { visibility: Visibility.PUBLIC });
    await running().edge.deleteVideo({ name }, ann);
    expect(await running().edge.getVideo({ name }, ann)).toMatchObject({ state: Video_State.DELETED });
    expect(await reasonOf(running().edge.getVideo({ name }, bob))).toBe("RESOURCE_NOT_FOUND");
  });
});

describe("UpdateVideo", () => {
  const update = (video: Partial<Video>, who: CallScope, updateMask?: string[]) =>
    running().edge.updateVideo({ video, ...(updateMask ? { updateMask } : {}) }, who);

  test("writes what the mask names, or what is given", async () => {
    const { name } = await running().create(ann);
    const given = { name, title: "B", description: "d", tags: ["x"], visibility: Visibility.PUBLIC };
    expect(await update(given, ann, ["description"])).toMatchObject({ title: "A", description: "d", tags: [] });
    expect(await update(given, ann)).toMatchObject({ title: "B", tags: ["x"], visibility: Visibility.PUBLIC });
    expect(await update({ name }, ann, ["description", "tags"])).toMatchObject({
      title: "B",
      description: "",
      tags: [],
    });
  });

  test("of nothing changes nothing", async () => {
    const video = await running().create(ann);
    expect(await update({ name: video.name }, ann)).toEqual(video);
  });

  test("refuses paths that are unknown or output only", async () => {
    const { name } = await running().create(ann);
    for (const path of ["state", "owner", "nonsense", "*", "title.text"])
      expect(await rejection(update({ name, title: "B" }, ann, [path]))).toMatchObject({
        reason: "INVALID_FIELD",
        metadata: { field: "update_mask" },
      });
    expect(await reasonOf(running().edge.updateVideo({}, ann))).toBe("INVALID_FIELD");
  });

  test("is the owner's alone", async () => {
    const open = await running().createUploaded(ann, { visibility: Visibility.PUBLIC });
    const closed = await running().createUploaded(ann);
    expect(await reasonOf(update({ name: open.name, title: "B" }, bob))).toBe("NOT_PERMITTED");
    expect(await reasonOf(update({ name: closed.name, title: "B" }, bob))).toBe("RESOURCE_NOT_FOUND");
  });

  test("with an etag writes that version only: of many at once exactly one wins", async () => {
    const video = await running().create(ann);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => reasonOf(update({ ...video, title: `T${index}` }, ann, ["title"]))),
    );
    expect(outcomes.filter((reason) => reason === undefined)).toHaveLength(1);
    expect(outcomes.filter((reason) => reason === "ETAG_MISMATCH")).toHaveLength(9);
    expect(await reasonOf(update({ name: video.name, title: "B", etag: "nonsense" }, ann))).toBe("ETAG_MISMATCH");
    const other = await running().create(ann);
    await update({ name: other.name, title: "B" }, ann);
    expect(await reasonOf(update({ name: other.name, title: "C", etag: other.etag }, ann))).toBe("ETAG_MISMATCH");
  });

  test("without an etag is always applied, however many come at once", async () => {
    const video = await running().create(ann);
    const changed = await Promise.all(
      Array.from({ length: 40 }, (_, index) => update({ name: video.name, title: `T${index}` }, ann)),
    );
    expect(new Set(changed.map(({ etag }) => etag)).size).toBe(40);
    expect(new Set(changed.map(({ title }) => title)).size).toBe(40);
  });

  test("of a deleted video is refused", async () => {
    const { name } = await running().createUploaded(ann);
    await running().edge.deleteVideo({ name }, ann);
    expect(await reasonOf(update({ name, title: "B" }, ann))).toBe("WRONG_STATE");
  });
});

describe("DeleteVideo and UndeleteVideo", () => {
  test("there and back", async () => {
    const { name, updateTime = new Date(0) } = await running().createUploaded(ann);
    const deleted = await running().edge.deleteVideo({ name }, ann);
    expect(deleted.state).toBe(Video_State.DELETED);
    expect(deleted.expireTime?.getTime()).toBeGreaterThanOrEqual(updateTime.getTime() + 24 * 3600_000);
    expect(await running().edge.deleteVideo({ name }, ann)).toEqual(deleted);
    const back = await running().edge.undeleteVideo({ name }, ann);
    expect(back).toMatchObject({ state: Video_State.PROCESSING, expireTime: undefined });
    expect(await reasonOf(running().edge.undeleteVideo({ name }, ann))).toBe("WRONG_STATE");
  });

  test("are the owner's alone", async () => {
    const { name } = await running().createUploaded(ann, { visibility: Visibility.PUBLIC });
    expect(await reasonOf(running().edge.deleteVideo({ name }, bob))).toBe("NOT_PERMITTED");
    expect(await reasonOf(running().edge.undeleteVideo({ name }, bob))).toBe("NOT_PERMITTED");
    await running().edge.deleteVideo({ name }, ann);
    expect(await reasonOf(running().edge.undeleteVideo({ name }, bob))).toBe("RESOURCE_NOT_FOUND");
  });

  test("an etag guards", async () => {
    const { name, etag } = await running().createUploaded(ann);
    expect(await reasonOf(running().edge.deleteVideo({ name, etag: "r999" }, ann))).toBe("ETAG_MISMATCH");
    expect((await running().edge.deleteVideo({ name, etag }, ann)).state).toBe(Video_State.DELETED);
  });

  test("what never arrived cannot be had back", async () => {
    const { name } = await running().create(ann);
    await running().edge.deleteVideo({ name }, ann);
    expect(await reasonOf(running().edge.undeleteVideo({ name }, ann))).toBe("RESOURCE_NOT_FOUND");
  });
});

describe("a video's way through processing", () => {
  test("to ready", async () => {
    const { name } = await running().create(ann);
    const source = sourceOf(name);
    const uploaded = await running().upload.markUploaded({ name, source }, nobody);
    expect(uploaded).toMatchObject({ state: Video_State.PROCESSING, sizeBytes: 5n });
    expect(await running().upload.markUploaded({ name, source }, nobody)).toEqual(uploaded);
    const media = { name, durationMs: 5312n, width: 1280, height: 720 };
    const playable = await running().transcode.markPlayable(media, nobody);
    expect(playable).toMatchObject({ playable: true, durationMs: 5312n, width: 1280, height: 720 });
    expect(await running().transcode.markPlayable(media, nobody)).toEqual(playable);
    const ready = await running().transcode.markReady({ name }, nobody);
    expect(ready.state).toBe(Video_State.READY);
    expect(await running().transcode.markReady({ name }, nobody)).toEqual(ready);
    expect(await reasonOf(running().transcode.markFailed({ name, reason: "late" }, nobody))).toBe("WRONG_STATE");
    expect(await reasonOf(running().edge.retryVideo({ name }, ann))).toBe("WRONG_STATE");
  });

  test("to failed and round again", async () => {
    const { name } = await running().createUploaded(ann, { visibility: Visibility.PUBLIC });
    const failed = await running().transcode.markFailed({ name, reason: "No picture." }, nobody);
    expect(failed).toMatchObject({ state: Video_State.FAILED, failureReason: "No picture." });
    expect(await running().transcode.markFailed({ name, reason: "Other." }, nobody)).toEqual(failed);
    expect(await reasonOf(running().edge.retryVideo({ name }, bob))).toBe("NOT_PERMITTED");
    const again = await running().edge.retryVideo({ name }, ann);
    expect(again).toMatchObject({ state: Video_State.PROCESSING, failureReason: "" });
  });

  test("is refused out of turn and with what breaks a bound", async () => {
    const { transcode, upload } = running();
    const { name } = await running().create(ann);
    expect(await reasonOf(transcode.markPlayable({ name, durationMs: 1n }, nobody))).toBe("WRONG_STATE");
    expect(await reasonOf(transcode.markReady({ name }, nobody))).toBe("WRONG_STATE");
    expect(await reasonOf(transcode.markFailed({ name, reason: "x" }, nobody))).toBe("WRONG_STATE");
    expect(await reasonOf(transcode.markFailed({ name, reason: "" }, nobody))).toBe("INVALID_FIELD");
    expect(await reasonOf(transcode.markFailed({ name, reason: "a".repeat(501) }, nobody))).toBe("INVALID_FIELD");
    expect(await reasonOf(transcode.markPlayable({ name, durationMs: 0n }, nobody))).toBe("INVALID_FIELD");
    expect(await reasonOf(upload.markUploaded({ name }, nobody))).toBe("INVALID_FIELD");
    await upload.markUploaded({ name, source: sourceOf(name) }, nobody);
    const other = { ...sourceOf(name), objectEtag: "e2" };
    expect(await reasonOf(upload.markUploaded({ name, source: other }, nobody))).toBe("WRONG_STATE");
  });

  test("bytes that arrive after the deletion are refused, bytes told of before it are not", async () => {
    const { upload, edge } = running();
    const late = await running().create(ann);
    await edge.deleteVideo({ name: late.name }, ann);
    expect(
      await rejection(upload.markUploaded({ name: late.name, source: sourceOf(late.name) }, nobody)),
    ).toMatchObject({
      reason: "WRONG_STATE",
      metadata: { state: "DELETED" },
    });
    const { name } = await running().createUploaded(ann);
    const deleted = await edge.deleteVideo({ name }, ann);
    expect(await upload.markUploaded({ name, source: sourceOf(name) }, nobody)).toEqual(deleted);
  });
});

describe("CheckAccess", () => {
  const check = (name: string, viewer: string | undefined, action = Action.WATCH, who = nobody) =>
    running().edge.checkAccess({ name, action, ...(viewer === undefined ? {} : { viewer }) }, who);

  test("answers for a viewer, for somebody unknown, and for the caller", async () => {
    const video = await running().createUploaded(ann, { visibility: Visibility.MEMBERS });
    const { name } = video;
    expect(await check(name, "users/bob")).toEqual({
      allowed: true,
      open: false,
      accessEpoch: 1n,
      video,
      source: sourceOf(name),
    });
    const refused = { allowed: false, open: false, accessEpoch: 1n, video: undefined, source: undefined };
    expect(await check(name, "")).toEqual(refused);
    expect(await check(name, "", Action.WATCH, ann)).toEqual(refused);
    expect((await check(name, undefined, Action.WATCH, bob)).allowed).toBe(true);
    expect((await check(name, undefined)).allowed).toBe(false);
    expect((await check(name, "users/bob", Action.MANAGE)).allowed).toBe(false);
    expect((await check(name, "users/ann", Action.MANAGE)).allowed).toBe(true);
  });

  test("says where anybody may, and there is no source before it is in", async () => {
    const { name } = await running().create(ann, { visibility: Visibility.PUBLIC });
    expect(await check(name, "users/ann")).toMatchObject({ allowed: true, open: false, source: undefined });
    await running().upload.markUploaded({ name, source: sourceOf(name) }, nobody);
    expect(await check(name, "")).toMatchObject({ allowed: true, open: true });
    expect(await check(name, "users/ann", Action.MANAGE)).toMatchObject({ allowed: true, open: false });
  });

  test("of a deleted video refuses everybody, and the epoch is another", async () => {
    const { name } = await running().createUploaded(ann, { visibility: Visibility.PUBLIC });
    await running().edge.deleteVideo({ name }, ann);
    for (const viewer of ["", "users/ann", "users/bob"])
      expect(await check(name, viewer)).toMatchObject({
        allowed: false,
        open: false,
        accessEpoch: 2n,
        video: undefined,
      });
    expect((await check(name, "users/ann", Action.MANAGE)).allowed).toBe(false);
  });

  test("refuses an action that is not said, and a viewer who is nobody's name", async () => {
    const { name } = await running().create(ann);
    expect(await rejection(check(name, "", Action.UNSPECIFIED))).toMatchObject({ metadata: { field: "action" } });
    expect(await rejection(check("videos/unknown", "", Action.UNRECOGNIZED))).toMatchObject({
      metadata: { field: "action" },
    });
    for (const viewer of ["ann", "users/..", "users/a\0", "public"])
      expect(await rejection(check(name, viewer))).toMatchObject({ metadata: { field: "viewer" } });
  });
});
