import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { catalog as catalogModule } from "@reelmesh/catalog/module.js";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { openCapability } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import {
  CatalogServiceDefinition,
  Visibility,
  type Source,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StreamingServiceDefinition } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import {
  reasonOf,
  rejection,
  scope,
  startServices,
  temporaryFolder,
  type TestServices,
} from "../../catalog/test/support/services.js";
import { mintGrant } from "../src/grant.js";
import { streaming as streamingModule } from "../src/module.js";

const folder = temporaryFolder();
const nobody = scope();
let services: TestServices;
let catalog: Client<typeof CatalogServiceDefinition>;
let streaming: Client<typeof StreamingServiceDefinition>;
let ann: CallScope;
let bob: CallScope;

beforeAll(async () => {
  services = await startServices([catalogModule, streamingModule], { REELMESH_DATA: (await folder).path });
  catalog = services.client("catalog", CatalogServiceDefinition, "upload");
  streaming = services.client("streaming", StreamingServiceDefinition, "gateway");
  ann = await services.as("ann");
  bob = await services.as("bob");
});
afterAll(async () => {
  await services.stop();
  await (await folder).remove();
});

/** A video of ann's whose bytes are in. */
async function createVideo(visibility: Visibility, given: Partial<Source> = {}) {
  const { name } = await catalog.createVideo({ video: { title: "A", visibility }, requestId: randomUUID() }, ann);
  const source = {
    object: name.replace("videos/", "sources/"),
    objectEtag: "e1",
    sizeBytes: 5n,
    contentType: "video/mp4",
    filename: "a.mp4",
    compositeSha256: Buffer.alloc(32),
    ...given,
  };
  await catalog.markUploaded({ name, source }, nobody);
  return { name, playback: `${name}/playback`, source };
}

const setVisibility = (name: string, visibility: Visibility) =>
  catalog.updateVideo({ video: { name, visibility }, updateMask: ["visibility"] }, ann);

const openMedia = (video: string, grant: string, item = "source") =>
  streaming.openMedia({ video, grant, item }, nobody);

describe("GetPlayback", () => {
  test("of what anybody may watch needs no grant", async () => {
    for (const visibility of [Visibility.PUBLIC, Visibility.UNLISTED]) {
      const { name, playback } = await createVideo(visibility);
      const expected = {
        name: playback,
        grant: "-",
        path: `/media/${name.slice("videos/".length)}/-/source`,
        contentType: "video/mp4",
        sizeBytes: 5n,
        expireTime: undefined,
      };
      expect(await streaming.getPlayback({ name: playback }, nobody)).toEqual(expected);
      expect(await streaming.getPlayback({ name: playback }, ann)).toEqual(expected);
    }
  });

  test("of what only some may watch gives them a grant for twelve hours", async () => {
    const { name, playback } = await createVideo(Visibility.MEMBERS);
    const asked = Date.now();
    const { grant, path, expireTime = new Date(0) } = await streaming.getPlayback({ name: playback }, bob);
    expect(path).toBe(`/media/${name.slice("videos/".length)}/${grant}/source`);
    expect(encodeURIComponent(grant)).toBe(grant);
    expect(expireTime.getTime()).toBeGreaterThan(asked + 12 * 3_600_000 - 1000);
    expect(expireTime.getTime()).toBeLessThanOrEqual(Date.now() + 12 * 3_600_000);
    expect((await openMedia(name, grant)).sizeBytes).toBe(5n);
  });

  test("of what the caller may not see is not found", async () => {
    const members = await createVideo(Visibility.MEMBERS);
    const secret = await createVideo(Visibility.PRIVATE);
    for (const [{ playback, name }, who] of [
      [members, nobody],
      [secret, nobody],
      [secret, bob],
    ] as const)
      expect(await rejection(streaming.getPlayback({ name: playback }, who))).toMatchObject({
        reason: "RESOURCE_NOT_FOUND",
        metadata: { resource: name },
      });
    expect(await reasonOf(streaming.getPlayback({ name: "videos/unknown/playback" }, ann))).toBe("RESOURCE_NOT_FOUND");
    await catalog.deleteVideo({ name: secret.name }, ann);
    expect(await reasonOf(streaming.getPlayback({ name: secret.playback }, ann))).toBe("RESOURCE_NOT_FOUND");
  });

  test("of what cannot be played says why", async () => {
    const { name } = await catalog.createVideo({ video: { title: "A" }, requestId: randomUUID() }, ann);
    const coming = streaming.getPlayback({ name: `${name}/playback` }, ann);
    expect(await rejection(coming)).toMatchObject({
      reason: "NOT_PLAYABLE",
      metadata: { problem: "This video is still being uploaded." },
    });
    const page = await createVideo(Visibility.PUBLIC, { contentType: "text/html" });
    expect(await reasonOf(streaming.getPlayback({ name: page.playback }, nobody))).toBe("NOT_PLAYABLE");
    const empty = await createVideo(Visibility.PUBLIC, { sizeBytes: 0n });
    expect(await reasonOf(streaming.getPlayback({ name: empty.playback }, nobody))).toBe("NOT_PLAYABLE");
  });

  test("refuses malformed names", async () => {
    for (const name of [
      "",
      "videos/a",
      "videos//playback",
      "videos/../playback",
      "videos/a\0/playback",
      "videos/a/b/playback",
    ])
      expect(await reasonOf(streaming.getPlayback({ name }, ann))).toBe("INVALID_FIELD");
  });
});

describe("OpenMedia", () => {
  test("gives the right to read the source, of it alone and for reading alone", async () => {
    const { name, source } = await createVideo(Visibility.PUBLIC);
    const opened = await openMedia(name, "-");
    const { object, objectEtag, sizeBytes, contentType, filename } = source;
    expect(opened).toMatchObject({ object, objectEtag, sizeBytes, contentType, filename });
    const { keys } = services;
    expect(openCapability(keys, opened.capability, { object, verb: "read" })).toMatchObject({ verbs: ["read"] });
    for (const use of [
      { object, verb: "write" },
      { object, verb: "delete" },
      { object: `${object}0`, verb: "read" },
    ] as const)
      expect(() => openCapability(keys, opened.capability, use)).toThrow(
        expect.objectContaining({ reason: "CAPABILITY_INVALID" }),
      );
  });

  test("opens a source of any type, which is for fetching, but none that is still coming in", async () => {
    for (const given of [{ contentType: "text/html" }, { contentType: "image/svg+xml" }, { sizeBytes: 0n }]) {
      const { name } = await createVideo(Visibility.PUBLIC, given);
      expect(await openMedia(name, "-")).toMatchObject(given);
    }
    const { name } = await catalog.createVideo({ video: { title: "A" }, requestId: randomUUID() }, ann);
    const expires = new Date(Date.now() + 60_000);
    const grant = mintGrant(services.keys, { video: name, viewer: "users/ann", accessEpoch: 1n, expires });
    expect(await reasonOf(openMedia(name, grant))).toBe("NOT_PLAYABLE");
  });

  test("may be remembered for a minute, and no longer than its grant", async () => {
    const { name } = await createVideo(Visibility.PRIVATE);
    const grantFor = (ms: number) =>
      mintGrant(services.keys, {
        video: name,
        viewer: "users/ann",
        accessEpoch: 1n,
        expires: new Date(Date.now() + ms),
      });
    const long = await openMedia(name, grantFor(3_600_000));
    expect(long.expireTime?.getTime()).toBeGreaterThan(Date.now() + 30_000);
    expect(long.expireTime?.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
    const short = Date.now() + 20_000;
    expect((await openMedia(name, grantFor(20_000))).expireTime?.getTime()).toBeLessThanOrEqual(short + 1000);
  });

  test("refuses a grant that is altered, expired, or for another video", async () => {
    const { name, playback } = await createVideo(Visibility.PRIVATE);
    const other = await createVideo(Visibility.PRIVATE);
    const { grant } = await streaming.getPlayback({ name: playback }, ann);
    const expired = { video: name, viewer: "users/ann", accessEpoch: 1n, expires: new Date(Date.now() - 1000) };
    for (const [video, token] of [
      [other.name, grant],
      [name, `${grant}A`],
      [name, grant.slice(1)],
      [name, ""],
      [name, "--"],
      [name, "a\0b"],
      [name, mintGrant(services.keys, expired)],
    ] as const)
      expect(await reasonOf(openMedia(video, token))).toBe("GRANT_INVALID");
    expect((await openMedia(name, grant)).sizeBytes).toBe(5n);
  });

  test("refuses a grant as soon as the right is withdrawn, to everybody it was given to", async () => {
    const { name, playback } = await createVideo(Visibility.MEMBERS);
    const bobs = (await streaming.getPlayback({ name: playback }, bob)).grant;
    const anns = (await streaming.getPlayback({ name: playback }, ann)).grant;
    await setVisibility(name, Visibility.UNLISTED);
    expect(await reasonOf(openMedia(name, bobs))).toBeUndefined();
    await setVisibility(name, Visibility.PRIVATE);
    for (const grant of [bobs, anns])
      expect(await rejection(openMedia(name, grant))).toMatchObject({
        reason: "GRANT_INVALID",
        metadata: { problem: "it was withdrawn" },
      });
    await setVisibility(name, Visibility.MEMBERS);
    expect(await reasonOf(openMedia(name, bobs))).toBe("GRANT_INVALID");
    const renewed = (await streaming.getPlayback({ name: playback }, bob)).grant;
    expect(await reasonOf(openMedia(name, renewed))).toBeUndefined();
  });

  test("of a deleted video is refused, also when it is had back", async () => {
    const { name, playback } = await createVideo(Visibility.PRIVATE);
    const { grant } = await streaming.getPlayback({ name: playback }, ann);
    await catalog.deleteVideo({ name }, ann);
    expect(await reasonOf(openMedia(name, grant))).toBe("GRANT_INVALID");
    expect(await reasonOf(openMedia(name, "-"))).toBe("RESOURCE_NOT_FOUND");
    await catalog.undeleteVideo({ name }, ann);
    expect(await reasonOf(openMedia(name, grant))).toBe("GRANT_INVALID");
  });

  test("without a grant opens only what anybody may watch", async () => {
    for (const visibility of [Visibility.MEMBERS, Visibility.PRIVATE])
      expect(await reasonOf(openMedia((await createVideo(visibility)).name, "-"))).toBe("RESOURCE_NOT_FOUND");
    const { name } = await createVideo(Visibility.PUBLIC);
    expect(await reasonOf(openMedia(name, "-"))).toBeUndefined();
    await setVisibility(name, Visibility.PRIVATE);
    expect(await reasonOf(openMedia(name, "-"))).toBe("RESOURCE_NOT_FOUND");
  });

  test("of what is not there is not found, of a malformed name refused", async () => {
    const { name } = await createVideo(Visibility.PUBLIC);
    expect(await reasonOf(openMedia("videos/unknown", "-"))).toBe("RESOURCE_NOT_FOUND");
    for (const item of ["", "master.m3u8", "..", "source\0", "../source"])
      expect(await reasonOf(openMedia(name, "-", item))).toBe("RESOURCE_NOT_FOUND");
    for (const video of ["", "videos/..", "videos/a\0", "videos/a/b", name.slice("videos/".length)])
      expect(await reasonOf(openMedia(video, "-"))).toBe("INVALID_FIELD");
  });

  test("is for the edge", async () => {
    const { name } = await createVideo(Visibility.PUBLIC);
    const other = services.client("streaming", StreamingServiceDefinition, "upload");
    expect(await reasonOf(other.openMedia({ video: name, grant: "-", item: "source" }, ann))).toBe("NOT_PERMITTED");
  });
});

test("a catalogue that does not answer is said to be unavailable", async () => {
  const alone = await startServices([streamingModule], { CATALOG_ADDRESS: "127.0.0.1:1" });
  const client = alone.client("streaming", StreamingServiceDefinition, "gateway");
  expect(await rejection(client.getPlayback({ name: "videos/a/playback" }, nobody))).toMatchObject({
    reason: "SERVICE_UNAVAILABLE",
    metadata: { service: "catalog" },
  });
  await alone.stop();
});
