import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Upload, type PreviousUpload, type UploadOptions } from "tus-js-client";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh } from "../../../test/support/mesh.js";
import { until } from "../../../test/support/until.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import { createHttpClient, type HttpClient } from "../support/http.js";
import { offsetOf, watch } from "../support/tus.js";

const MIB = 1024 * 1024;
const BYTES = someBytes(9 * MIB + 12_345);

const cleanup = createCleanup();
let http: HttpClient;
let endpoint = "";
let folder = "";
let file = "";

beforeAll(async () => {
  const mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  cleanup.add(() => mesh.stop());
  http = createHttpClient(mesh.url, cleanup);
  endpoint = `${mesh.url}/uploads`;
  folder = await cleanup.folder();
  file = join(folder, "film.mp4");
  await writeFile(file, BYTES);
});

afterAll(() => cleanup.run());

/** An upload of the file with these options, and how it ends. */
function start(options: UploadOptions = {}): { upload: Upload; ended: Promise<void> } {
  const created: Upload[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    created.push(
      new Upload(createReadStream(file), {
        endpoint,
        uploadSize: BYTES.length,
        metadata: { filename: "film.mp4", filetype: "video/mp4" },
        retryDelays: null,
        onError: reject,
        onSuccess: () => {
          resolve();
        },
        ...options,
      }),
    );
  });
  const [upload] = created;
  if (!upload) throw new Error("There is no upload");
  return { upload, ended };
}

function pathOf({ url }: Upload): string {
  return new URL(url ?? "").pathname;
}

/** What a client remembers from one start to the next. */
function rememberUploads(): Pick<UploadOptions, "urlStorage" | "fingerprint"> {
  const uploads: PreviousUpload[] = [];
  return {
    fingerprint: () => Promise.resolve("film"),
    urlStorage: {
      findAllUploads: () => Promise.resolve(uploads),
      findUploadsByFingerprint: () => Promise.resolve(uploads),
      removeUpload: () => Promise.resolve(),
      addUpload: (fingerprint, upload) => {
        uploads.push(upload);
        return Promise.resolve(fingerprint);
      },
    },
  };
}

test.each<[string, UploadOptions]>([
  ["as one stream", {}],
  ["in chunks", { chunkSize: MIB + 1 }],
  ["in chunks of a whole block", { chunkSize: 2 * MIB }],
  ["with the first chunk in the creation", { chunkSize: 3 * MIB, uploadDataDuringCreation: true }],
  ["whole in the creation", { uploadDataDuringCreation: true }],
  ["by POST alone", { overridePatchMethod: true }],
])("a file is uploaded %s", async (_, options) => {
  const progress: number[] = [];
  const { upload, ended } = start({
    ...options,
    onChunkComplete: (_size, accepted) => progress.push(accepted),
  });
  upload.start();
  await ended;
  expect(progress.at(-1)).toBe(BYTES.length);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expectSameBytes(await watch(http, pathOf(upload)), BYTES);
});

test("a file is uploaded with pauses", async () => {
  let pauses = 0;
  const { upload, ended } = start({
    chunkSize: MIB,
    onChunkComplete: (_size, accepted) => {
      if (accepted >= BYTES.length || pauses >= 3) return;
      pauses += 1;
      void upload.abort().then(() => {
        upload.start();
      });
    },
  });
  upload.start();
  await ended;
  expect(pauses).toBe(3);
  expectSameBytes(await watch(http, pathOf(upload)), BYTES);
});

test("what one process began another finds and ends", async () => {
  const remembered = { ...rememberUploads(), storeFingerprintForResuming: true };
  const first = start({
    ...remembered,
    chunkSize: 2 * MIB,
    onChunkComplete: (_size, accepted) => {
      if (accepted >= 4 * MIB) void first.upload.abort();
    },
  });
  first.upload.start();
  await until(async () => first.upload.url !== null && (await offsetOf(http, pathOf(first.upload))) >= 4 * MIB);
  await first.upload.abort();

  const offsets: number[] = [];
  const second = start({
    ...remembered,
    chunkSize: 2 * MIB,
    onChunkComplete: (_size, accepted) => offsets.push(accepted),
  });
  const [previous] = await second.upload.findPreviousUploads();
  if (!previous) throw new Error("No upload was remembered");
  second.upload.resumeFromPreviousUpload(previous);
  second.upload.start();
  await second.ended;
  expect(second.upload.url).toBe(first.upload.url);
  expect(offsets[0]).toBeGreaterThan(4 * MIB);
  expectSameBytes(await watch(http, pathOf(second.upload)), BYTES);
});

test("an upload that is given up is gone", async () => {
  const gone: string[] = [];
  const { upload } = start({
    chunkSize: MIB,
    onChunkComplete: () => void upload.abort(true).then(() => gone.push(pathOf(upload))),
  });
  upload.start();
  const path = await until(() => gone[0]);
  expect((await http.ask(path, { method: "HEAD", headers: { "tus-resumable": "1.0.0" } })).status).toBe(404);
});
