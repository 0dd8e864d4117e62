import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHash, randomBytes } from "node:crypto";
import { createApi, type Api } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startProcess, type Process } from "../support/process.js";
import { until } from "../support/until.js";

const KILLS = 10;
const SIZE = 24 * 1024 * 1024;
const PIECE = 3 * 1024 * 1024;

const cleanup = createCleanup();
let data: string;
let running: Process;

beforeAll(async () => {
  data = await cleanup.folder();
  running = await startProcess({ REELMESH_DATA: data });
});
afterAll(async () => {
  await running.kill();
  await cleanup.run();
});

/** Kills everything after a random while and starts it again. */
async function killAfter(ms: number): Promise<Api> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await running.kill();
  running = await startProcess({ REELMESH_DATA: data });
  return createApi(running.url);
}

test("killed at random moments of an upload, it loses nothing that was acknowledged and plays every byte", async () => {
  const bytes = randomBytes(SIZE);
  let api = createApi(running.url);
  const begun = await api.createUpload(bytes.length, { filename: "tough.mp4", filetype: "video/mp4" });
  const path = new URL(begun.location).pathname;
  let acknowledged = 0;
  let kills = 0;

  const pour = async () => {
    const location = `${running.url}${path}`;
    for (let offset = await api.offset(location); offset < SIZE;) {
      expect(offset).toBeGreaterThanOrEqual(acknowledged);
      offset = await api.patch(location, offset, bytes.subarray(offset, offset + PIECE));
      acknowledged = offset;
    }
  };

  while (acknowledged < SIZE) {
    // The upload's failure is the kill's doing; what it was told before counts.
    const pouring = pour().catch(() => undefined);
    if (kills < KILLS) {
      api = await killAfter(Math.random() * 120);
      kills++;
    }
    await pouring;
  }

  api = await killAfter(0);
  expect(await api.offset(`${running.url}${path}`)).toBe(SIZE);
  expect(await api.video(begun.video)).toMatchObject({ state: "PROCESSING", sizeBytes: String(SIZE) });
  const played = Buffer.from(await (await fetch(await api.mediaOf(begun.video))).arrayBuffer());
  expect(createHash("sha256").update(played).digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(kills).toBeGreaterThan(0);
}, 120_000);

test("killed while videos are created and changed, every acknowledged one is there as it was told", async () => {
  let api = createApi(running.url);
  const told = new Map<string, string>();
  for (let kill = 0; kill < 5; kill++) {
    const working = (async () => {
      for (let index = 0; ; index++) {
        const { video } = await api.createUpload(10, { filename: "f.mp4", filetype: "video/mp4", title: `t${index}` });
        const title = `renamed ${kill}-${index}`;
        await api.json("PATCH", `/api/v1/${video}`, { title });
        told.set(video, title);
      }
    })().catch(() => undefined);
    const before = told.size;
    await until(() => told.size > before);
    api = await killAfter(Math.random() * 100);
    await working;
  }
  expect(told.size).toBeGreaterThan(0);
  for (const [name, title] of told) expect(await api.video(name)).toMatchObject({ title, state: "UPLOADING" });
}, 120_000);
