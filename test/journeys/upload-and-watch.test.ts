import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { embedded, servers } from "../support/stores.js";
import { createApi, type Api } from "../support/api.js";
import { until } from "../support/until.js";

describe.each([embedded, servers])("over $name", (stores) => {
  const { missing } = stores;
  if (missing !== undefined) {
    test.skip(`skipped: ${missing}`, () => undefined);
    return;
  }
  const cleanup = createCleanup();
  let mesh: WholeMesh;
  let environment: Readonly<Record<string, string>>;
  let api: Api;
  let clip: Buffer;

  beforeAll(async () => {
    environment = await stores.variables(cleanup);
    mesh = await startWholeMesh(environment);
    api = createApi(mesh.url);
    const file = join(await cleanup.folder(), "clip.mp4");
    await makeClip(file, { seconds: 3 });
    clip = await readFile(file);
  }, 60_000);
  afterAll(async () => {
    await mesh.stop();
    await cleanup.run();
  }, 60_000);

  test("a clip goes up in two pieces and comes back byte for byte, whole and in ranges", async () => {
    const upload = await api.createUpload(clip.length, { filename: "first film.mp4", filetype: "video/mp4" });
    expect(await api.patch(upload.location, 0, clip.subarray(0, 10_000))).toBe(10_000);
    expect(await api.offset(upload.location)).toBe(10_000);
    expect(await api.patch(upload.location, 10_000, clip.subarray(10_000))).toBe(clip.length);

    const video = await api.video(upload.video);
    expect(video).toMatchObject({
      name: upload.video,
      title: "first film",
      state: "PROCESSING",
      visibility: "PRIVATE",
    });
    expect((await api.videos()).map(({ name }) => name)).toContain(upload.video);

    const media = await api.mediaOf(upload.video);
    const whole = await fetch(media);
    expect(whole.status).toBe(200);
    expect(sha256(await whole.arrayBuffer())).toBe(sha256(clip));
    const part = await fetch(media, { headers: { range: "bytes=1000-1999" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(clip.subarray(1000, 2000));
  });

  test("what was stored is there after a restart", async () => {
    const upload = await api.upload(clip, { filename: "kept.mp4", filetype: "video/mp4" });
    const before = await api.video(upload.video);
    await mesh.stop();
    mesh = await startWholeMesh(environment);
    api = createApi(mesh.url);
    expect(await api.video(upload.video)).toEqual(before);
    const bytes = await (await fetch(await api.mediaOf(upload.video))).arrayBuffer();
    expect(sha256(bytes)).toBe(sha256(clip));
  });

  test("a deleted video is gone from everywhere, and can be had back", async () => {
    const { video } = await api.upload(clip, {
      filename: "regretted.mp4",
      filetype: "video/mp4",
      visibility: "PUBLIC",
    });
    const media = await api.mediaOf(video);
    const deleted = await api.json("DELETE", `/api/v1/${video}`);
    expect(deleted).toMatchObject({ state: "DELETED" });
    expect((await api.videos()).map(({ name }) => name)).not.toContain(video);
    expect((await fetch(`${mesh.url}/api/v1/${video}/playback`)).status).toBe(404);
    expect(await api.json("POST", `/api/v1/${video}:undelete`, {})).toMatchObject({ state: "PROCESSING" });
    expect(await until(async () => (await fetch(media, { method: "HEAD" })).status === 200)).toBe(true);
  });

  test("an upload that is taken back leaves nothing", async () => {
    const upload = await api.createUpload(clip.length, { filename: "never.mp4", filetype: "video/mp4" });
    await api.patch(upload.location, 0, clip.subarray(0, 5000));
    expect((await api.uploads()).map(({ video }) => video)).toContain(upload.video);
    expect((await api.tus("DELETE", upload.location)).status).toBe(204);
    expect((await api.uploads()).map(({ video }) => video)).not.toContain(upload.video);
    expect((await api.tus("HEAD", upload.location)).status).toBe(404);
    expect((await api.videos()).map(({ name }) => name)).not.toContain(upload.video);
  });
});

function sha256(bytes: ArrayBuffer | Buffer): string {
  return createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
}
