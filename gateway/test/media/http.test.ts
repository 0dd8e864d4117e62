import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh } from "../../../test/support/mesh.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import { createHttpClient, jsonIn, type Answer, type HttpClient } from "../support/http.js";
import { upload } from "../support/tus.js";

const BYTES = someBytes(5 * 1024 * 1024 + 321);
const SIZE = BYTES.length;

const cleanup = createCleanup();
let http: HttpClient;
let video = "";
let path = "";
let etag = "";

beforeAll(async () => {
  const mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  cleanup.add(() => mesh.stop());
  http = createHttpClient(mesh.url, cleanup);
  video = await upload(http, BYTES);
  path = `/media/${video}/-/source`;
  etag = String((await http.ask(path, { method: "HEAD" })).headers.etag);
});

afterAll(() => cleanup.run());

type Headers = Readonly<Record<string, string>>;

const get = (headers: Headers = {}) => http.ask(path, { headers });

const ALWAYS = {
  "content-type": "video/mp4",
  "accept-ranges": "bytes",
  "cache-control": "private, max-age=60",
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

function expectPart({ status, headers, body }: Answer, start: number, end: number) {
  expect(status).toBe(206);
  expect(headers).toMatchObject({
    ...ALWAYS,
    etag,
    "content-range": `bytes ${start}-${end - 1}/${SIZE}`,
    "content-length": String(end - start),
  });
  expectSameBytes(body, BYTES.subarray(start, end));
}

function expectWhole({ status, headers, body }: Answer) {
  expect(status).toBe(200);
  expect(headers).toMatchObject({ ...ALWAYS, etag, "content-length": String(SIZE) });
  expect(headers["content-range"]).toBeUndefined();
  expectSameBytes(body, BYTES);
}

test("GET is the file, byte for byte", async () => {
  expect(etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
  expectWhole(await get());
});

test("HEAD says what GET would, whatever range is asked for", async () => {
  for (const headers of [{}, { range: "bytes=5-9" }, { range: "bytes=999999999-" }] satisfies Headers[]) {
    const answer = await http.ask(path, { method: "HEAD", headers });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ ...ALWAYS, etag, "content-length": String(SIZE) });
    expect(answer.body).toHaveLength(0);
  }
});

describe("ranges", () => {
  const block = 2 * 1024 * 1024;
  test.each([
    ["bytes=0-0", 0, 1],
    ["bytes=0-", 0, SIZE],
    ["bytes=100-199", 100, 200],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE],
    ["bytes=-1", SIZE - 1, SIZE],
    ["bytes=-100000", SIZE - 100_000, SIZE],
    [`bytes=-${SIZE + 1}`, 0, SIZE],
    ["bytes=-99999999999999999999", 0, SIZE],
    ["bytes=5-99999999999999999999", 5, SIZE],
    // Across the boundaries of blocks and of what is read at once.
    [`bytes=${block - 1}-${block}`, block - 1, block + 1],
    [`bytes=${block - 1}-${2 * block}`, block - 1, 2 * block + 1],
    [`bytes=262143-262144`, 262_143, 262_145],
  ])("%s", async (range, start, end) => {
    expectPart(await get({ range }), start, end);
  });

  test.each(["bytes=0-1,5-6", "bytes=9-5", "bytes=", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=1"])(
    "%s is ignored",
    async (range) => {
      expectWhole(await get({ range }));
    },
  );

  test.each([`bytes=${SIZE}-`, "bytes=-0", "bytes=99999999999999999999-", `bytes=${SIZE}-${SIZE + 5}`])(
    "%s is 416, with the size",
    async (range) => {
      const answer = await get({ range });
      expect(answer.status).toBe(416);
      expect(answer.headers).toMatchObject({
        "content-range": `bytes */${SIZE}`,
        "content-type": "application/problem+json",
        "cache-control": "no-store",
      });
      expect(jsonIn(answer)).toMatchObject({ reason: "RANGE_NOT_SATISFIABLE", size_bytes: String(SIZE) });
    },
  );
});

describe("preconditions", () => {
  test("If-Range: the same file goes on, another begins anew", async () => {
    const range = "bytes=10-19";
    expectPart(await get({ range, "if-range": etag }), 10, 20);
    for (const ifRange of ['"other"', `W/${etag}`, "Tue, 15 Nov 1994 08:12:31 GMT", new Date().toUTCString()])
      expectWhole(await get({ range, "if-range": ifRange }));
  });

  test.each([(tag: string) => tag, (tag: string) => `W/${tag}`, (tag: string) => `"a", W/"b", ${tag}`, () => "*"])(
    "If-None-Match with it is 304: %s",
    async (list) => {
      for (const method of ["GET", "HEAD"]) {
        const answer = await http.ask(path, { method, headers: { "if-none-match": list(etag), range: "bytes=0-9" } });
        expect(answer.status).toBe(304);
        expect(answer.headers).toMatchObject({ etag, "cache-control": "private, max-age=60" });
        expect(answer.body).toHaveLength(0);
      }
    },
  );

  test("If-None-Match without it is the file", async () => {
    expectWhole(await get({ "if-none-match": '"a", W/"b"' }));
  });

  test("If-Match without it is 412, before all else", async () => {
    for (const ifMatch of ['"other"', `W/${etag}`]) {
      const answer = await get({ "if-match": ifMatch, "if-none-match": etag, range: "bytes=0-9" });
      expect(answer.status).toBe(412);
      expect(jsonIn(answer).reason).toBe("PRECONDITION_FAILED");
    }
    expectPart(await get({ "if-match": `"x", ${etag}`, range: "bytes=0-9" }), 0, 10);
  });
});

test("other methods are 405", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const answer = await http.ask(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, HEAD");
  }
});

describe("what leads nowhere is a problem, never a file", () => {
  test.each([
    "/media",
    "/media/",
    "/media/{video}",
    "/media/{video}/-",
    "/media/{video}/-/",
    "/media/{video}/-/other",
    "/media/{video}/-/source/",
    "/media/{video}/-/source/x",
    "/media/{video}/-/../source",
    "/media/{video}/-/../../../../../etc/passwd",
    "/media/{video}/-/..%2f..%2fetc%2fpasswd",
    "/media/{video}/-/%2e%2e/source",
    "/media/{video}/-/source%00",
    "/media/{video}/-/%00",
    "/media/{video}/-/SOURCE",
    "/media/{video}/%2d/source",
    "/media/{video}/--/source",
    "/media/{video}/../-/source",
    "/media/{video}%00/-/source",
    "/media/%2e%2e/-/source",
    "/media/../-/source",
    "/media/./-/source",
    "/media/videos/{video}/-/source",
    "/media//-/source",
    "/media/-/-/source",
    "/media/unknown/-/source",
    "/media/{video}//source",
    "//media/{video}/-/source",
    "/Media/{video}/-/source",
    "/media/{video}x/-/source",
  ])("%s", async (template) => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await http.ask(template.replace("{video}", video), { method });
      // What is not under /media/ may be a page of the application.
      if (answer.status === 200) expect(answer.headers["content-type"]).toMatch(/^text\/html/);
      else expect([400, 404]).toContain(answer.status);
      expect(answer.headers["content-length"]).not.toBe(String(SIZE));
    }
  });
});

test("a foreign host is refused", async () => {
  expect((await get({ host: "evil.example" })).status).toBe(421);
});

describe("what an uploader calls a page never runs in our origin", () => {
  test.each(["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript"])(
    "%s",
    async (filetype) => {
      const page = Buffer.from("<script>alert(1)</script>");
      const id = await upload(http, page, { filename: "x.html", filetype, visibility: "PUBLIC" });
      const answer = await http.ask(`/media/${id}/-/source`);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        ...ALWAYS,
        "content-type": "application/octet-stream",
        "content-disposition": `attachment; filename="x.html"; filename*=UTF-8''x.html`,
      });
      expect(answer.body).toEqual(page);
    },
  );

  test("a page that is called a video is sent as one, and may not be sniffed", async () => {
    const page = Buffer.from("<!doctype html><script>alert(1)</script>");
    const id = await upload(http, page, { filename: "x.html", filetype: "video/mp4", visibility: "PUBLIC" });
    const answer = await http.ask(`/media/${id}/-/source`);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject(ALWAYS);
  });
});
