import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createApi } from "../support/api.js";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { dropFile, seriousFaults, slowUploads, watchForFailures } from "../support/page.js";

const cleanup = createCleanup();
let browser: Browser;
let mesh: WholeMesh;
let context: BrowserContext;
let page: Page;
let small: string;
let large: string;

beforeAll(async () => {
  browser = await launchBrowser();
  const folder = await cleanup.folder();
  small = join(folder, "Small film.mp4");
  large = join(folder, "Large film.mp4");
  await makeClip(small, { seconds: 6 });
  await makeClip(large, { seconds: 30, size: "640x360", kbps: 8000 });
}, 60_000);
afterAll(async () => {
  await browser.close();
  await cleanup.run();
});

beforeEach(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await mesh.stop();
});

/** Keeps a picture to look at, where `SCREENSHOTS` names a folder. */
async function picture(name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
  }
}

const row = () => page.locator("li.upload");

describe("the library", () => {
  test("is inviting while it is empty, and free of serious faults for assistive technology", async () => {
    const failures = watchForFailures(page);
    await page.goto(mesh.url);
    await page.getByRole("heading", { name: "Bring your first video" }).waitFor();
    expect(await page.getByRole("button", { name: "Choose files" }).isVisible()).toBe(true);
    expect(await seriousFaults(page)).toEqual([]);
    await picture("empty");
    expect(failures()).toEqual([]);
  });

  test("takes a dropped file, shows how far it is, and lists and plays it", async () => {
    const failures = watchForFailures(page);
    await page.goto(mesh.url);
    await dropFile(page, await readFile(small), "Small film.mp4", "video/mp4");
    await row().getByText("Ready to watch").waitFor();
    await page.getByRole("heading", { name: "Library" }).waitFor();
    await picture("library");
    expect(await seriousFaults(page)).toEqual([]);

    await row().getByRole("link", { name: "Watch" }).click();
    await page.waitForURL(/\/watch\/[A-Za-z0-9]{16}$/);
    expect(await page.title()).toContain("Small film");
    const video = page.locator("video");
    await video.evaluate((element: HTMLVideoElement) => element.play());
    await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 2);
    expect(
      await video.evaluate((element: HTMLVideoElement) => element.getVideoPlaybackQuality().totalVideoFrames),
    ).toBeGreaterThan(25);

    await video.evaluate((element: HTMLVideoElement) => {
      element.currentTime = 5;
    });
    await page.waitForFunction(() => {
      const element = document.querySelector("video");
      return element !== null && !element.seeking && element.currentTime >= 5;
    });
    expect(await seriousFaults(page)).toEqual([]);
    await picture("watch");
    expect(failures()).toEqual([]);
  });

  test("pauses and resumes an upload", async () => {
    await page.goto(mesh.url);
    const speed = await slowUploads(page, 2_000_000);
    await page.locator("input[type=file]").first().setInputFiles(large);
    await page.waitForFunction(
      () => Number(document.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow")) >= 10,
    );
    await row()
      .getByRole("button", { name: /^Pause/ })
      .click();
    await row().getByText("Paused").waitFor();
    await picture("paused");
    expect(await seriousFaults(page)).toEqual([]);
    const [unfinished] = await createApi(mesh.url).uploads();
    expect(unfinished).toMatchObject({ state: "RECEIVING", filename: "Large film.mp4" });
    await speed(undefined);
    await row()
      .getByRole("button", { name: /^Resume/ })
      .click();
    await row().getByText("Ready to watch").waitFor();
    expect(await createApi(mesh.url).uploads()).toEqual([]);
  }, 60_000);

  test("goes on with an upload after its tab was closed, from where it stood", async () => {
    await page.goto(mesh.url);
    await slowUploads(page, 2_000_000);
    await page.locator("input[type=file]").first().setInputFiles(large);
    await page.waitForFunction(
      () => Number(document.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow")) >= 30,
    );
    await page.close();

    page = await context.newPage();
    const offsets: number[] = [];
    page.on("request", (request) => {
      if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
    });
    await page.goto(mesh.url);
    await row().getByText("Choose the same file again to go on").waitFor();
    await picture("interrupted");
    await row().locator("input[type=file]").setInputFiles(large);
    await row().getByText("Ready to watch").waitFor();
    expect(offsets[0]).toBeGreaterThan(0);
    const api = createApi(mesh.url);
    const [video] = await api.videos();
    const media = await fetch(await api.mediaOf(video?.name ?? ""));
    expect(Buffer.from(await media.arrayBuffer()).equals(await readFile(large))).toBe(true);
  }, 60_000);
});

describe("every page has its own words", () => {
  test.each([
    ["/nothing/here", "Nothing here"],
    ["/watch/0123456789abcdef", "This video is not here"],
  ])("%s", async (path, heading) => {
    await page.goto(`${mesh.url}${path}`);
    await page.getByRole("heading", { name: heading }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await picture(heading.toLowerCase().replaceAll(" ", "-"));
  });

  test("without a connection", async () => {
    await page.goto(mesh.url);
    await page.getByRole("heading", { name: "Bring your first video" }).waitFor();
    await context.setOffline(true);
    await page.getByText("You are offline").waitFor();
    await picture("offline");
    await context.setOffline(false);
    await page.getByText("You are offline").waitFor({ state: "detached" });
  });
});

describe("a hostile file", () => {
  test.each([
    ["page.html", "text/html", "<script>document.title = 'owned'</script>"],
    [
      "picture.svg",
      "image/svg+xml",
      "<svg xmlns='http://www.w3.org/2000/svg'><script>document.title = 'owned'</script></svg>",
    ],
  ])("%s never runs in our origin", async (filename, filetype, body) => {
    const api = createApi(mesh.url);
    const { video } = await api.upload(Buffer.from(body), { filename, filetype, visibility: "PUBLIC" });
    const address = `${mesh.url}/media/${video.replace("videos/", "")}/-/source`;
    const response = await fetch(address);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("content-disposition")).toContain("attachment");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    await page.goto(mesh.url);
    await page.goto(address).catch(() => undefined);
    expect(await page.title()).not.toBe("owned");
  });
});
