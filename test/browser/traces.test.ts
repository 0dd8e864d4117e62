import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Request } from "playwright-core";
import { startAzurite } from "../../services/storage/test/azurite.js";
import { startRecordingProxy, type RecordingProxy } from "../../services/storage/test/recording-proxy.js";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { dropFile } from "../support/page.js";

const cleanup = createCleanup();
let browser: Browser;
let mesh: WholeMesh;
let proxy: RecordingProxy;
let clip: string;

beforeAll(async () => {
  browser = await launchBrowser();
  cleanup.add(() => browser.close());
  const azurite = await startAzurite();
  cleanup.add(() => azurite.stop());
  proxy = await startRecordingProxy(azurite);
  cleanup.add(() => proxy.stop());
  const folder = await cleanup.folder();
  mesh = await startWholeMesh({ REELMESH_DATA: folder, AZURE_STORAGE_CONNECTION_STRING: proxy.connectionString });
  cleanup.add(() => mesh.stop());
  clip = join(folder, "film.mp4");
  await makeClip(clip, { seconds: 2 });
}, 60_000);
afterAll(() => cleanup.run());

const traceIn = (header: unknown) => (typeof header === "string" ? header.split("-")[1] : undefined);

test("a trace goes from the browser's upload to the object store", async () => {
  const page = await browser.newPage();
  const sent: Request[] = [];
  page.on("request", (request) => sent.push(request));
  await page.goto(mesh.url);
  await dropFile(page, await readFile(clip), "film.mp4", "video/mp4");
  await page.locator("li.upload").getByText("Ready to watch").waitFor();

  // A page cannot give its stream of events a header: the edge begins that trace.
  const calls = sent.filter(
    (request) =>
      /\/(api\/v1|uploads)(\/|\?|$)/.test(new URL(request.url()).pathname) && request.resourceType() !== "eventsource",
  );
  const traces = await Promise.all(calls.map(async (request) => traceIn((await request.allHeaders()).traceparent)));
  expect(calls.map((request) => request.method())).toEqual(expect.arrayContaining(["GET", "POST"]));
  expect(traces).not.toContain(undefined);
  expect(new Set(traces).size).toBe(calls.length);

  const uploads = calls.flatMap((request, index) => (/^(POST|PATCH)$/.test(request.method()) ? [traces[index]] : []));
  const stored = proxy.asked
    .filter(({ method }) => method === "PUT")
    .map(({ headers }) => traceIn(headers.traceparent));
  expect(uploads.filter((trace) => stored.includes(trace))).not.toEqual([]);
  await page.close();
});
