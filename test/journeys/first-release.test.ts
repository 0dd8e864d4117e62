import { afterEach, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openVideos } from "../../services/catalog/src/repository.js";
import type { Documents, StoredDocument } from "@reelmesh/documents/collection.js";
import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { openUploads } from "../../services/upload/src/repository.js";
import { reelmesh } from "../../cli/test/run.js";
import { createApi } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startWholeMesh } from "../support/mesh.js";
import told from "../fixtures/first-release/told.json" with { type: "json" };

const run = promisify(execFile);
const FIXTURE = join(__dirname, "../fixtures/first-release");
const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** The folder as that version left it, only touched anew: what is staged lives a week. */
async function firstData(): Promise<string> {
  const folder = await cleanup.folder();
  await run("tar", ["-xzmf", join(FIXTURE, "data.tar.gz"), "-C", folder]);
  return folder;
}

async function withStore<R>(folder: string, work: (documents: Documents) => Promise<R>): Promise<R> {
  const documents = await openDocuments({ folder });
  try {
    return await work(documents);
  } finally {
    await documents.close();
  }
}

test("what the first version kept is all there, found and playable; an upload goes on where it was", async () => {
  const data = await firstData();
  const { videos, listed } = told;
  const mesh = await startWholeMesh({ REELMESH_DATA: data });
  cleanup.add(() => mesh.stop());
  const api = createApi(mesh.url);
  const [film, text, half] = videos;
  for (const video of [film, text, half]) expect(await api.video(video?.name ?? "")).toMatchObject({ ...video });
  // The upload under way ends some day; so does the video that it fills.
  expect((await api.videos()).map(({ name }) => name)).toEqual(listed);

  const bytesOf = async (video: string) => Buffer.from(await (await fetch(await api.mediaOf(video))).arrayBuffer());
  expect(await bytesOf(film?.name ?? "")).toEqual(await readFile(join(FIXTURE, "film.mp4")));
  const source = `${mesh.url}/media/${(text?.name ?? "").slice("videos/".length)}`;
  expect(source).toContain("/media/");

  const [upload] = await api.uploads();
  expect(upload).toMatchObject({ video: half?.name, offsetBytes: "40" });
  const location = `${mesh.url}/${upload?.name ?? ""}`;
  expect(await api.patch(location, 40, Buffer.alloc(60, 8))).toBe(100);
  const whole = Buffer.concat([Buffer.alloc(40, 7), Buffer.alloc(60, 8)]);
  expect(await bytesOf(half?.name ?? "")).toEqual(whole);
});

test("it is written in the present schema by `reelmesh admin migrate`, once", async () => {
  const data = await firstData();
  const mesh = await startWholeMesh({ REELMESH_DATA: data });
  const environment = {
    REELMESH_DATA: data,
    CATALOG_ADDRESS: mesh.addressOf("catalog"),
    UPLOAD_ADDRESS: mesh.addressOf("upload"),
    STORAGE_ADDRESS: mesh.addressOf("storage"),
  };
  const migrate = async () => (await reelmesh(["admin", "migrate"], environment)).stdout;
  // Pieces were kept before documents bore their schema's version.
  expect(await migrate()).toContain("upload pieces: 5 of 5 written anew, all in schema 1");
  expect(await migrate()).toContain("upload pieces: 0 of 5 written anew, all in schema 1");
  await mesh.stop();
  await withStore(join(data, "upload"), async (documents) => {
    for (const name of ["pieces", "uploads"]) {
      const stored = await documents.collection<StoredDocument & { schema?: number }>(name);
      for (const document of await stored.find({}, { limit: 100 })) expect(document.schema).toBe(1);
    }
  });
});

test("its repositories read it whatever the time: what is deleted and what is finished, too", async () => {
  const data = await firstData();
  const { videos } = told;
  await withStore(join(data, "catalog"), async (documents) => {
    const repository = await openVideos(await openData(documents));
    const kept = await Promise.all(videos.map(({ name }) => repository.find(name.slice("videos/".length))));
    expect(kept.map((video) => video?.state)).toEqual(["PROCESSING", "PROCESSING", "UPLOADING", "DELETED"]);
    expect(kept[3]).toMatchObject({ stateBefore: "PROCESSING", accessEpoch: 2 });
  });
  await withStore(join(data, "upload"), async (documents) => {
    const repository = await openUploads(await openData(documents));
    const finished = await repository.listIn("FINISHED", 10);
    expect(finished).toHaveLength(3);
    for (const { _id, sizeBytes } of finished) {
      const pieces = await repository.pieces(_id);
      const sizes = pieces.flatMap(({ blocks }) => blocks.map((block) => block.sizeBytes));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(sizeBytes);
    }
  });
});
