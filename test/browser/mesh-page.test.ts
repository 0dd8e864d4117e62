import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { defineModule } from "@reelmesh/mesh/module.js";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { storageModule } from "../../packages/mesh/test/support/storage.js";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { FREE_PORTS, startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { seriousFaults, watchForFailures } from "../support/page.js";
import { until } from "../support/until.js";

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

const ALONE = { ...FREE_PORTS, MESH_SECRET: Buffer.alloc(32, 7).toString("base64") };

/** A replica of storage with a process, or what stands for one, to itself. */
async function startReplica(variables: Readonly<Record<string, string>>): Promise<RunningMesh> {
  const replica = await startModules([storageModule({ getObject: async () => ({}) })], { ...ALONE, ...variables });
  cleanup.add(() => replica.stop());
  return replica;
}

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
  const arrow = page.locator("svg .edge", { hasText: "gateway calls upload" });
  expect(await arrow.locator(".line").getAttribute("stroke-dasharray")).toBe("2 5");
  await Promise.all(Array.from({ length: 20 }, () => fetch(`${mesh.url}/api/v1/uploads`)));
  await page.locator("svg .edge.good title", { hasText: "gateway calls upload: 2 a second, 100% succeed" }).waitFor({
    state: "attached",
  });
  expect(await callRow("gateway → upload").locator("td").first().textContent()).toBe("2");
  expect(await page.locator("#methods-table tr", { hasText: "ListUploads" }).count()).toBe(1);
  expect(failures()).toEqual([]);
});

test("shows the processes that it is told of, and what harm does to them", async () => {
  const [sick, well] = [await startReplica({ MESH_FAULTS: "allow" }), await startReplica({})];
  const gone = await startReplica({});
  await gone.stop();
  const calls: (() => Promise<unknown>)[] = [];
  const upload = defineModule({
    name: "upload",
    clients: ["storage"],
    config: () => undefined,
    async start(_, process) {
      const storage = process.client("storage", StorageServiceDefinition);
      calls.push(() => storage.getObject({}, { requestId: randomUUID(), signal: new AbortController().signal }));
      return {};
    },
  });
  const caller = await startModules([upload], {
    ...ALONE,
    STORAGE_ADDRESS: [sick, well].map((replica) => replica.addressOf("storage")).join(","),
    MESH_PEERS: [sick.opsAddress, well.opsAddress, gone.opsAddress].join(","),
  });
  cleanup.add(() => caller.stop());
  await fetch(`http://${sick.opsAddress}/mesh/faults`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ error: "SERVICE_UNAVAILABLE" }]),
  });
  await page.goto(`http://${caller.opsAddress}/mesh`);
  const ejected = page.locator("#backends-table tr.warn", { hasText: sick.addressOf("storage") });
  await until(async () => {
    for (let count = 0; count < 20; count += 1) await calls[0]?.();
    return ejected.isVisible();
  });
  await page.locator("#summary", { hasText: "1 ejected" }).waitFor();
  await page.locator("#summary", { hasText: "1 fault on purpose" }).waitFor();
  await page.locator("#summary", { hasText: "1 unreachable" }).waitFor();
  await page.locator("#modules-table tr.bad", { hasText: "unreachable: nothing listens there" }).waitFor();
  expect(await page.locator("#modules-table tr", { hasText: "storage" }).count()).toBe(2);
  expect(await seriousFaults(page)).toEqual([]);
  await picture("mesh-harm");
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  await picture("mesh-harm-390");
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
