import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "../../../test/support/mesh.js";
import { until } from "../../../test/support/until.js";
import { mintGrant } from "../../../services/streaming/src/grant.js";
import { createHttpClient, jsonIn, type HttpClient } from "../support/http.js";
import { upload } from "../support/tus.js";

const BYTES = Buffer.from("something to watch");

const cleanup = createCleanup();
let mesh: WholeMesh;
let http: HttpClient;
let video = "";

beforeAll(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder(), STREAMING_ACCESS_SECONDS: "1" });
  cleanup.add(() => mesh.stop());
  http = createHttpClient(mesh.url, cleanup);
});

beforeEach(async () => {
  video = await upload(http, BYTES, { filename: "a.mp4", filetype: "video/mp4", visibility: "PRIVATE" });
});

afterAll(() => cleanup.run());

const status = async (path: string) => (await http.ask(path)).status;
const open = (grant: string, id = video) => status(`/media/${id}/${grant}/source`);

async function grantOf(id: string): Promise<string> {
  return String(jsonIn(await http.ask(`/api/v1/videos/${id}/playback`)).grant);
}

async function setVisibility(visibility: string) {
  const answer = await http.ask(`/api/v1/videos/${video}?updateMask=visibility`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ visibility }),
  });
  expect(answer.status).toBe(200);
}

describe("a grant", () => {
  test("opens its own video, and nothing else does", async () => {
    const grant = await grantOf(video);
    expect(grant.length).toBeGreaterThan(20);
    expect(await open(grant)).toBe(200);
    expect(await open("-")).toBe(404);
    const other = await upload(http, BYTES, { filename: "b.mp4", filetype: "video/mp4", visibility: "PRIVATE" });
    const foreign = await http.ask(`/media/${other}/${grant}/source`);
    expect(foreign.status).toBe(403);
    expect(jsonIn(foreign).reason).toBe("GRANT_INVALID");
    expect(await open(await grantOf(other), other)).toBe(200);
  });

  test("that is altered anywhere opens nothing, though the true one is remembered", async () => {
    const grant = await grantOf(video);
    expect(await open(grant)).toBe(200);
    for (let at = 0; at < grant.length; at++) {
      const altered = `${grant.slice(0, at)}${grant[at] === "A" ? "B" : "A"}${grant.slice(at + 1)}`;
      expect(await open(altered)).toBe(403);
    }
    for (const altered of [grant.slice(0, -1), `${grant}A`, `${grant}.`, grant.toLowerCase(), grant.slice(0, 30)])
      expect(await open(altered)).toBe(403);
  });

  test("that has expired, or has another key, opens nothing", async () => {
    const grant = (expires: Date) =>
      mintGrant(mesh.keys, { video: `videos/${video}`, viewer: "users/local", accessEpoch: 1n, expires });
    expect(await open(grant(new Date(Date.now() + 60_000)))).toBe(200);
    expect(await open(grant(new Date(Date.now() - 1000)))).toBe(403);
  });

  test("of somebody who may not watch opens nothing", async () => {
    const expires = new Date(Date.now() + 60_000);
    const grant = mintGrant(mesh.keys, { video: `videos/${video}`, viewer: "users/other", accessEpoch: 1n, expires });
    expect(await open(grant)).toBe(403);
  });

  test.each(["a", "..", "-a", "%00", "A".repeat(19), "A".repeat(2049), "A".repeat(100), ".".repeat(50)])(
    "%s is none",
    async (grant) => {
      expect([403, 404]).toContain(await open(grant));
    },
  );
});

describe("a right that is withdrawn ends, at the latest when the edge forgets it", () => {
  test("of anybody, when a video becomes private", async () => {
    await setVisibility("PUBLIC");
    expect(await grantOf(video)).toBe("-");
    expect(await open("-")).toBe(200);
    await setVisibility("PRIVATE");
    await until(async () => (await open("-")) === 404);
  });

  test("of a grant, when a video is shown to fewer", async () => {
    await setVisibility("MEMBERS");
    const grant = await grantOf(video);
    expect(await open(grant)).toBe(200);
    await setVisibility("PRIVATE");
    await until(async () => (await open(grant)) === 403);
    expect(await open(await grantOf(video))).toBe(200);
  });

  test("of everybody, when a video is deleted", async () => {
    const grant = await grantOf(video);
    expect(await open(grant)).toBe(200);
    expect((await http.ask(`/api/v1/videos/${video}`, { method: "DELETE" })).status).toBe(200);
    await until(async () => (await open(grant)) === 403);
  });
});
