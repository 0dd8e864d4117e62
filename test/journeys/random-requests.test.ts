import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { request as send } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createApi, type Begun } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";

const REQUESTS = 10_000;
const AT_ONCE = 20;

const cleanup = createCleanup();
let mesh: WholeMesh;
let upload: Begun;

beforeAll(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  const api = createApi(mesh.url);
  await api.upload(Buffer.from("not really a film"), {
    filename: "a.mp4",
    filetype: "video/mp4",
    visibility: "PUBLIC",
  });
  upload = await api.createUpload(1000, { filename: "b.mp4", filetype: "video/mp4" });
});
afterAll(async () => {
  await mesh.stop();
  await cleanup.run();
});

interface Shot {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Requests that are nearly right: real paths, headers and values, with something else in the place of some. */
function shots(): fc.Arbitrary<Shot> {
  const id = upload.video.replace("videos/", "");
  const odd = fc.oneof(
    fc.constantFrom(id, "..", "%2e%2e", "%00", "-", "0", "a".repeat(300), "%ff", "videos", "__proto__", "%F0%9F%8E%AC"),
    fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text)),
  );
  const path = fc.oneof(
    fc.constantFrom(
      "/",
      "/healthz",
      "/api/openapi.json",
      "/api/v1/videos",
      "/api/v1/uploads",
      "/uploads",
      new URL(upload.location).pathname,
    ),
    odd.map((part) => `/api/v1/videos/${part}`),
    odd.map((part) => `/api/v1/videos/${part}/playback`),
    odd.map((part) => `/api/v1/videos/${part}:undelete`),
    odd.map((part) => `/uploads/${part}`),
    fc.tuple(odd, odd, odd).map(([video, grant, item]) => `/media/${video}/${grant}/${item}`),
    fc.tuple(odd, odd).map(([a, b]) => `/${a}/${b}`),
  );
  const query = fc.option(
    fc.tuple(fc.constantFrom("pageSize", "pageToken", "owner", "updateMask", "showDeleted", "x"), odd),
    { nil: undefined },
  );
  const value = fc.oneof(
    fc.constantFrom(
      "bytes=0-1",
      "bytes=-0",
      "bytes=9-2",
      "bytes=0-,5-",
      "1.0.0",
      "0",
      "-1",
      "99999999999999999999",
      "application/json",
      "application/offset+octet-stream",
      "filename YQ==",
      "*",
      '"x"',
      "sha1 AAAA",
    ),
    fc.string({ maxLength: 20 }).map((text) => text.replace(/[^\x20-\x7e]/g, "")),
  );
  const name = fc.constantFrom(
    "range",
    "if-range",
    "if-none-match",
    "tus-resumable",
    "upload-offset",
    "upload-length",
    "upload-metadata",
    "upload-checksum",
    "content-type",
    "x-request-id",
    "x-http-method-override",
    "accept",
  );
  const body = fc.oneof(
    fc.constant(new Uint8Array()),
    fc.uint8Array({ maxLength: 40 }),
    fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('{"title":1}', '{"tags":["a",{}]}', '{"visibility":"SECRET"}', '{"title":"ok"}')
      .map((text) => Buffer.from(text)),
  );
  return fc.record({
    method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    path: fc.tuple(path, query).map(([base, pair]) => (pair ? `${base}?${pair.join("=")}` : base)),
    headers: fc.dictionary(name, value, { maxKeys: 5 }),
    body,
  });
}

function fire({ method, path, headers, body }: Shot): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = send(
      `${mesh.url}${path}`,
      { method, headers: { ...headers, "content-length": body.length } },
      (response) => {
        response.resume();
        response.once("close", () => {
          resolve(response.statusCode ?? 0);
        });
      },
    );
    // A server may answer and close before it has read a body it does not want.
    request.once("error", (error) => {
      if ("code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE")) resolve(0);
      else reject(error);
    });
    request.end(body);
  });
}

test("10,000 random requests are answered, none by a failure of ours, and leave the memory as it was", async () => {
  const sample = fc.sample(shots(), { numRuns: REQUESTS, seed: 20_261_121 });
  const statuses = new Map<number, number>();
  const failures: string[] = [];
  let heapAfterFirstHalf = 0;
  for (let from = 0; from < sample.length; from += AT_ONCE) {
    const batch = sample.slice(from, from + AT_ONCE);
    const answers = await Promise.all(batch.map(fire));
    answers.forEach((status, index) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500) failures.push(`${status} ${JSON.stringify(batch[index])}`);
    });
    if (from === REQUESTS / 2) heapAfterFirstHalf = usedHeap();
  }
  expect(failures).toEqual([]);
  // The sample reaches more than the refusal of the unknown.
  for (const status of [200, 400, 404, 405, 412]) expect(statuses.get(status) ?? 0).toBeGreaterThan(10);
  expect(usedHeap() - heapAfterFirstHalf).toBeLessThan(30e6);
  expect((await fetch(`${mesh.url}/healthz`)).status).toBe(200);
}, 180_000);

/** What is held after everything that can be let go of was. */
function usedHeap(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}
