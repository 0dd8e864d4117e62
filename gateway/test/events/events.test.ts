import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import {
  CatalogServiceDefinition,
  Visibility,
  type Video,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { randomUUID } from "node:crypto";
import { sourceOf, type CatalogClient } from "../../../services/catalog/test/support/catalog.js";
import { scope } from "../../../packages/mesh/test/support/mesh.js";
import { createApi, type Api } from "../../../test/support/api.js";
import { createCleanup } from "../../../test/support/cleanup.js";
import { listen, type EventSource } from "../../../test/support/event-source.js";
import { startWholeMesh, type WholeMesh } from "../../../test/support/mesh.js";
import { until } from "../../../test/support/until.js";

const cleanup = createCleanup();
const leaving = createCleanup();
let mesh: WholeMesh;
let api: Api;
let catalog: CatalogClient;

beforeAll(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder(), GATEWAY_EVENT_STREAMS: "5" });
  cleanup.add(() => mesh.stop());
  api = createApi(mesh.url);
  const channel = openChannel("catalog", mesh.addressOf("catalog"), "upload", mesh.tokens);
  cleanup.add(async () => {
    channel.close();
  });
  catalog = createClient(CatalogServiceDefinition, channel);
});
afterEach(() => leaving.run());
afterAll(() => cleanup.run());

const open = (query = "") => listen(`${mesh.url}/api/v1/events${query}`, leaving);
const as = async (user: string) =>
  scope({ principalToken: await mesh.tokens.forPrincipal({ name: `users/${user}` }, 3600) });

/** A video of somebody else's, whose bytes are in. */
async function createFor(user: string, visibility: Visibility): Promise<Video> {
  const owner = await as(user);
  const video = { title: "Another's", visibility, sizeBytes: 5n };
  const { name } = await catalog.createVideo({ video, requestId: randomUUID() }, owner);
  return catalog.markUploaded({ name, source: sourceOf(name) }, owner);
}

const update = async (user: string, name: string, change: Partial<Pick<Video, "title" | "visibility">>) =>
  catalog.updateVideo({ video: { name, ...change }, updateMask: Object.keys(change) }, await as(user));

const own = (title: string) =>
  api.upload(Buffer.from("bytes"), { filename: "a.mp4", filetype: "video/mp4", title, visibility: "PRIVATE" });

/** The states of a video that a page was told of, or `gone`. */
const toldOf = ({ heard }: EventSource, name: string) =>
  heard.filter(({ data }) => data.name === name).map(({ event, data }) => (event === "gone" ? "gone" : data.state));

describe("a page that shows the library", () => {
  test("is told of a video from its first moment to its last, each time as GET answers", async () => {
    const page = await open();
    const { video } = await own("First");
    await until(() => toldOf(page, video).includes("PROCESSING"));
    await until(() => toldOf(page, video)[0] === "UPLOADING" || toldOf(page, video)[0] === "PROCESSING");
    expect(page.heard.findLast(({ data }) => data.name === video)?.data).toEqual(await api.video(video));
    await api.json("PATCH", `/api/v1/${video}?updateMask=title`, { title: "Second" });
    await until(() => page.heard.some(({ data }) => data.title === "Second"));
    await api.json("DELETE", `/api/v1/${video}`);
    await until(() => toldOf(page, video).includes("DELETED"));
    await api.json("POST", `/api/v1/${video}:undelete`, {});
    await until(() => toldOf(page, video).at(-1) === "PROCESSING");
  });

  test("is told of other people's as far as they can be found, and of nothing else", async () => {
    const page = await open();
    const hidden = [await createFor("ann", Visibility.PRIVATE), await createFor("ann", Visibility.UNLISTED)];
    const found = [await createFor("ann", Visibility.PUBLIC), await createFor("ann", Visibility.MEMBERS)];
    for (const { name } of [...hidden, ...found]) await update("ann", name, { title: "Changed" });
    const { video } = await own("Last");
    await until(() => toldOf(page, video).length > 0 && found.every(({ name }) => toldOf(page, name).length > 0));
    for (const { name } of hidden) expect(JSON.stringify(page.heard)).not.toContain(name);
    expect(page.heard.filter(({ data }) => data.state === "UPLOADING" && data.owner !== "users/local")).toEqual([]);
  });

  test("is told that a video has gone that it was told of, and nothing after that", async () => {
    const page = await open();
    const { name } = await createFor("ann", Visibility.PUBLIC);
    await until(() => toldOf(page, name).length > 0);
    await update("ann", name, { visibility: Visibility.PRIVATE });
    await until(() => toldOf(page, name).at(-1) === "gone");
    const before = toldOf(page, name).length;
    await update("ann", name, { title: "Secret" });
    const { video } = await own("Last");
    await until(() => toldOf(page, video).length > 0);
    expect(toldOf(page, name)).toHaveLength(before);
    expect(page.heard.find(({ event }) => event === "gone")?.data).toEqual({ name });
  });

  test("hears nothing twice", async () => {
    const page = await open();
    const { video } = await own("Once");
    const { etag } = await api.video(video);
    await until(() => page.heard.some(({ data }) => data.name === video && data.etag === etag));
    const { video: other } = await own("Then");
    await until(() => toldOf(page, other).includes("PROCESSING"));
    const etags = page.heard.filter(({ data }) => data.name === video).map(({ data }) => data.etag);
    expect(new Set(etags).size).toBe(etags.length);
  });
});

describe("a page that names videos", () => {
  test("is told how they are, then of their changes, and of no others", async () => {
    const { video } = await own("Named");
    const { name: unlisted } = await createFor("ann", Visibility.UNLISTED);
    const { name: secret } = await createFor("ann", Visibility.PRIVATE);
    const ids = [video, unlisted, secret, "videos/0000000000000000"].map((name) => name.slice("videos/".length));
    const page = await open(`?videos=${ids.join(",")}`);
    await until(() => toldOf(page, video).length === 1 && toldOf(page, unlisted).length === 1);
    await own("Not named");
    await update("ann", secret, { title: "Still secret" });
    await update("ann", unlisted, { title: "Changed" });
    await until(() => toldOf(page, unlisted).length === 2);
    await update("ann", unlisted, { visibility: Visibility.PRIVATE });
    await until(() => toldOf(page, unlisted).at(-1) === "gone");
    expect(new Set(page.heard.map(({ data }) => data.name))).toEqual(new Set([video, unlisted]));
    await update("ann", secret, { visibility: Visibility.UNLISTED });
    await until(() => toldOf(page, secret).length === 1);
  });

  test.each([
    ["videos=", "videos"],
    ["videos=a,,b", "videos"],
    ["videos=a/b", "videos"],
    ["videos=a&videos=b", "videos"],
    [`videos=${Array.from({ length: 51 }, () => "a").join(",")}`, "videos"],
    ["video=a", "video"],
  ])("is refused for %s", async (query, field) => {
    const answer = await fetch(`${mesh.url}/api/v1/events?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ reason: "INVALID_FIELD", field });
  });
});

describe("the stream", () => {
  test("says what it is, and when to come back", async () => {
    const answer = await fetch(`${mesh.url}/api/v1/events`, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("content-encoding")).toBeNull();
    const page = await open();
    await until(() => page.asides.length > 0);
    expect(page.asides[0]).toMatch(/^retry: [1-5]\d{3}$/);
  });

  test("is there to be read alone, and for our own host", async () => {
    const post = await fetch(`${mesh.url}/api/v1/events`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await open().then((page) => page.heard)).toEqual([]);
  });

  test("is refused when there are as many as may be, and can be had again when one has left", async () => {
    const page = createCleanup();
    await listen(`${mesh.url}/api/v1/events`, page);
    for (let others = 0; others < 4; others++) await open();
    const refused = await fetch(`${mesh.url}/api/v1/events`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    await refused.body?.cancel();
    const metrics = await (await fetch(`http://${mesh.opsAddress}/metrics`)).text();
    expect(metrics).toContain("reelmesh_edge_event_streams 5");
    await page.run();
    await until(() => open().catch(() => undefined));
  });

  test("is described", async () => {
    const document = await api.json("GET", "/api/openapi.json");
    expect(document).toHaveProperty(["paths", "/api/v1/events", "get", "operationId"], "Events_Listen");
  });
});

test("an edge that stops ends its streams rather than cutting them, at once", async () => {
  const other = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  const page = await listen(`${other.url}/api/v1/events`, leaving);
  const stopping = other.stop();
  expect(await page.ended).toBe(true);
  await stopping;
});
