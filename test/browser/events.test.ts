import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import { CatalogServiceDefinition, Visibility } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { scope } from "../../packages/mesh/test/support/mesh.js";
import { sourceOf } from "../../services/catalog/test/support/catalog.js";
import { createApi } from "../support/api.js";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { dropFile } from "../support/page.js";
import { until } from "../support/until.js";

const suite = createCleanup();
const cleanup = createCleanup();
let browser: Browser;
let clip: Buffer;
let data: string;
let mesh: WholeMesh;

beforeAll(async () => {
  browser = await launchBrowser();
  suite.add(() => browser.close());
  const file = join(await suite.folder(), "clip.mp4");
  await makeClip(file, { seconds: 2 });
  clip = await readFile(file);
}, 60_000);
afterAll(() => suite.run());

beforeEach(async () => {
  data = await cleanup.folder();
  mesh = await startWholeMesh({ REELMESH_DATA: data });
  cleanup.add(() => mesh.stop());
});
afterEach(() => cleanup.run());

interface OpenPage {
  readonly page: Page;
  /** The paths it has asked the API for. */
  readonly asked: readonly string[];
  /** The paths it has had an answer from. */
  readonly answered: readonly string[];
}

/** A page of somebody's own. */
async function openPage(): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  cleanup.add(() => context.close());
  const page = await context.newPage();
  const asked: string[] = [];
  const answered: string[] = [];
  const note = (paths: string[], url: string) => {
    const { pathname } = new URL(url);
    if (pathname.startsWith("/api/")) paths.push(pathname);
  };
  page.on("request", (request) => {
    note(asked, request.url());
  });
  page.on("response", (response) => {
    note(answered, response.url());
  });
  return { page, asked, answered };
}

/** Opens the library, and waits until it is told of changes and has caught up with what was before. */
async function openLibrary(): Promise<OpenPage> {
  const opened = await openPage();
  await opened.page.goto(mesh.url);
  const answers = (path: string) => opened.answered.filter((answered) => answered === path).length;
  await until(() => answers("/api/v1/events") === 1 && answers("/api/v1/videos") === 2);
  await opened.page.getByRole("heading", { name: "Bring your first video" }).waitFor();
  return opened;
}

const card = (page: Page, title: string) => page.getByRole("heading", { name: title });

describe("a library that somebody looks at", () => {
  test("fills without a reload and without asking, when somebody else uploads, renames and deletes", async () => {
    const { page: watching, asked } = await openLibrary();
    const { page: working } = await openPage();
    await working.goto(mesh.url);
    const before = asked.length;
    await dropFile(working, clip, "Holiday.mp4", "video/mp4");
    await card(watching, "Holiday").waitFor();

    const api = createApi(mesh.url);
    const [video] = await api.videos();
    const name = video?.name ?? "";
    await api.json("PATCH", `/api/v1/${name}?updateMask=title`, { title: "Summer" });
    await card(watching, "Summer").waitFor();
    await api.json("DELETE", `/api/v1/${name}`);
    await card(watching, "Summer").waitFor({ state: "detached" });
    expect(asked.slice(before).filter((path) => !path.endsWith("/playback"))).toEqual([]);
  });

  test("catches up with what happened while its edge was away", async () => {
    const { page } = await openLibrary();
    const where = mesh.addressOf("gateway");
    await mesh.stop();
    const elsewhere = await startWholeMesh({ REELMESH_DATA: data });
    const about = { filename: "a.mp4", filetype: "video/mp4", title: "Meanwhile" };
    await createApi(elsewhere.url).upload(clip, about);
    await elsewhere.stop();
    mesh = await startWholeMesh({ REELMESH_DATA: data, GATEWAY_LISTEN: where });
    await card(page, "Meanwhile").waitFor();
  });
});

test("a page that shows a video follows it, until it may no longer be seen", async () => {
  const channel = openChannel("catalog", mesh.addressOf("catalog"), "upload", mesh.tokens);
  cleanup.add(async () => {
    channel.close();
  });
  const catalog = createClient(CatalogServiceDefinition, channel);
  const ann = scope({ principalToken: await mesh.tokens.forPrincipal({ name: "users/ann" }, 3600) });
  const given = { title: "Before", visibility: Visibility.UNLISTED, sizeBytes: 5n };
  const { name } = await catalog.createVideo({ video: given, requestId: "a" }, ann);
  await catalog.markUploaded({ name, source: sourceOf(name) }, ann);

  const { page } = await openPage();
  await page.goto(`${mesh.url}/watch/${name.slice("videos/".length)}`);
  await page.getByRole("heading", { name: "Before" }).waitFor();
  await catalog.updateVideo({ video: { name, title: "After" } }, ann);
  await page.getByRole("heading", { name: "After" }).waitFor();
  await catalog.updateVideo({ video: { name, visibility: Visibility.PRIVATE } }, ann);
  await page.getByRole("heading", { name: "This video is not here" }).waitFor();
});
