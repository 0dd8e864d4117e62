import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { seriousFaults, watchForFailures } from "../support/page.js";

const cleanup = createCleanup();
let browser: Browser;
let mesh: WholeMesh;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(async () => {
  await browser.close();
  await cleanup.run();
});
beforeEach(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
});
afterEach(async () => {
  await page.close();
  await mesh.stop();
});

const open = () => page.goto(`http://${mesh.opsAddress}/mesh`);
const callRow = (text: string) => page.locator("#calls-table tr", { hasText: text });

/** Keeps a picture to look at, where `SCREENSHOTS` names a folder. */
async function picture(name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

test.each(["light", "dark"] as const)(
  "is drawn from what is declared, free of serious faults, %s",
  async (colorScheme) => {
    const failures = watchForFailures(page);
    await page.emulateMedia({ colorScheme });
    await open();
    for (const name of ["gateway", "catalog", "upload", "streaming", "storage"]) {
      await page.locator("svg .node.ready .name", { hasText: new RegExp(`^${name}$`) }).waitFor();
    }
    await callRow("upload → storage").waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    expect(failures()).toEqual([]);
    await picture(`mesh-${colorScheme}`);
  },
);

test("shows calls within seconds, in the table and as an arrow", async () => {
  const failures = watchForFailures(page);
  await open();
  const arrow = page.locator("svg .edge", { hasText: "gateway calls catalog" });
  expect(await arrow.locator(".line").getAttribute("stroke-dasharray")).toBe("2 5");
  await Promise.all(Array.from({ length: 20 }, () => fetch(`${mesh.url}/api/v1/videos`)));
  await page.locator("svg .edge.good title", { hasText: "gateway calls catalog: 2 a second, 100% succeed" }).waitFor({
    state: "attached",
  });
  expect(await callRow("gateway → catalog").locator("td").first().textContent()).toBe("2");
  expect(await page.locator("#methods-table tr", { hasText: "ListVideos" }).count()).toBe(1);
  expect(failures()).toEqual([]);
});

test("says that the process has gone", async () => {
  await open();
  await mesh.stop();
  await page.getByText("This process no longer answers").waitFor();
});

test("fits a telephone: only graph and tables scroll sideways", async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  await open();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  expect(await seriousFaults(page)).toEqual([]);
  await picture("mesh-390");
});

test("is not at the edge, which has one page for whatever it does not know", async () => {
  const unknown = await (await fetch(`${mesh.url}/whatever`)).text();
  for (const path of ["/mesh", "/mesh/state", "/mesh/calls", "/mesh/live", "/metrics", "/readyz"]) {
    expect(await (await fetch(`${mesh.url}${path}`)).text()).toBe(unknown);
  }
});
