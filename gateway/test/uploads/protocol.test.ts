import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh } from "../../../test/support/mesh.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import {
  answerOf,
  bodyOf,
  createHttpClient,
  jsonIn,
  type Answer,
  type Asked,
  type HttpClient,
} from "../support/http.js";
import { VERSION, create, metadataOf, offsetOf, patch, patchHeaders, watch } from "../support/tus.js";

const LIMIT_BYTES = 6 * 1024 ** 3;

const cleanup = createCleanup();
let http: HttpClient;

beforeAll(async () => {
  const mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder(), UPLOAD_MAX_BYTES: String(LIMIT_BYTES) });
  cleanup.add(() => mesh.stop());
  http = createHttpClient(mesh.url, cleanup);
});

afterAll(() => cleanup.run());

type Headers = Readonly<Record<string, string | readonly string[]>>;

const post = (headers: Headers, body?: Uint8Array) =>
  http.ask("/uploads", { method: "POST", headers: { ...VERSION, ...headers }, ...(body ? { body } : {}) });

/** How many unfinished uploads there are. */
async function unfinished(): Promise<unknown> {
  return jsonIn(await http.ask("/api/v1/uploads?pageSize=100")).uploads;
}

function expectProblem(answer: Answer, status: number, reason: string) {
  expect(answer.status).toBe(status);
  expect(answer.headers["tus-resumable"]).toBe("1.0.0");
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(jsonIn(answer)).toMatchObject({ status, reason });
  expect(jsonIn(answer).detail).toMatch(/ .* /);
}

describe("OPTIONS", () => {
  test.each(["/uploads", "/uploads/", "/uploads/nobody"])(
    "%s says what is spoken, without Tus-Resumable",
    async (path) => {
      const { status, headers } = await http.ask(path, { method: "OPTIONS" });
      expect(status).toBe(204);
      expect(headers).toMatchObject({
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,termination,expiration,checksum",
        "tus-checksum-algorithm": "sha1,sha256,sha512,md5",
      });
    },
  );

  test("ignores the version a client says", async () => {
    const { status } = await http.ask("/uploads", { method: "OPTIONS", headers: { "tus-resumable": "0.2.2" } });
    expect(status).toBe(204);
  });
});

describe("the version", () => {
  test.each<[string, string, Headers]>([
    ["POST", "/uploads", { "upload-length": "5" }],
    ["HEAD", "/uploads/nobody", {}],
    ["PATCH", "/uploads/nobody", patchHeaders(0)],
    ["DELETE", "/uploads/nobody", {}],
  ])("%s without it, or with another, is 412 and does nothing", async (method, path, headers) => {
    const before = await unfinished();
    for (const version of [undefined, "", "0.2.2", "1.0", "1.0.1", "2.0.0", "1.0.0, 1.0.0"]) {
      const said = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "tus-resumable"));
      const sent = version === undefined ? said : { ...said, "tus-resumable": version };
      const answer = await http.ask(path, { method, headers: sent });
      expect(answer.status).toBe(412);
      expect(answer.headers).toMatchObject({ "tus-version": "1.0.0", "tus-resumable": "1.0.0" });
    }
    expect(await unfinished()).toEqual(before);
  });
});

describe("methods that there are not", () => {
  test.each([
    ["GET", "/uploads", "OPTIONS, POST"],
    ["PUT", "/uploads", "OPTIONS, POST"],
    ["PATCH", "/uploads", "OPTIONS, POST"],
    ["GET", "/uploads/nobody", "OPTIONS, HEAD, PATCH, DELETE"],
    ["POST", "/uploads/nobody", "OPTIONS, HEAD, PATCH, DELETE"],
  ])("%s %s", async (method, path, allow) => {
    const answer = await http.ask(path, { method, headers: VERSION });
    expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
    expect(answer.headers.allow).toBe(allow);
  });
});

describe("X-HTTP-Method-Override", () => {
  test("stands for the method of a POST", async () => {
    const path = await create(http, 5);
    const as = (method: string, headers: Headers = {}, body?: string): Promise<Answer> => {
      const asked: Asked = { method: "POST", headers: { ...VERSION, ...headers, "x-http-method-override": method } };
      return http.ask(path, body === undefined ? asked : { ...asked, body });
    };
    expect((await as("PATCH", patchHeaders(0), "ab")).headers["upload-offset"]).toBe("2");
    expect((await as("head")).headers["upload-offset"]).toBe("2");
    expect((await as("DELETE")).status).toBe(204);
    expect((await as("HEAD")).status).toBe(404);
    expectProblem(await as("BREW"), 405, "METHOD_NOT_ALLOWED");
  });

  test("makes nothing of a method that changes nothing", async () => {
    const path = await create(http, 5);
    for (const method of ["GET", "HEAD", "OPTIONS"])
      await http.ask(path, { method, headers: { ...VERSION, "x-http-method-override": "DELETE" } });
    expect(await offsetOf(http, path)).toBe(0);
  });
});

describe("creation", () => {
  test("answers where the upload is, its video, and when it expires", async () => {
    const before = Date.now();
    const metadata = metadataOf({ filename: "ünï.mp4", filetype: "video/mp4", own: "x" });
    const { status, headers, body } = await post({ "upload-length": "7", "upload-metadata": metadata });
    expect(status).toBe(201);
    expect(body).toHaveLength(0);
    expect(headers.location).toMatch(/^\/uploads\/[A-Za-z0-9]{21}$/);
    expect(headers["reelmesh-video"]).toMatch(/^videos\/[A-Za-z0-9]+$/);
    expect(headers["upload-offset"]).toBeUndefined();
    const expires = Date.parse(String(headers["upload-expires"]));
    expect(headers["upload-expires"]).toBe(new Date(expires).toUTCString());
    expect(expires).toBeGreaterThan(before + 23 * 3600_000);

    const standing = await http.ask(headers.location ?? "", { method: "HEAD", headers: VERSION });
    expect(standing.status).toBe(200);
    expect(standing.headers).toMatchObject({
      "upload-offset": "0",
      "upload-length": "7",
      "upload-metadata": metadata,
      "upload-expires": headers["upload-expires"],
      "reelmesh-video": headers["reelmesh-video"],
      "cache-control": "no-store",
    });
  });

  test("of nothing is complete at once", async () => {
    const { status, headers } = await post({ "upload-length": "0" });
    expect(status).toBe(201);
    expect(headers["upload-expires"]).toBeUndefined();
    const standing = await http.ask(headers.location ?? "", { method: "HEAD", headers: VERSION });
    expect(standing.headers).toMatchObject({ "upload-offset": "0", "upload-length": "0" });
  });

  test.each([undefined, "", "-1", "+1", "1.5", "1e3", "0x10", "five", "1,1", "\u00b2", "9".repeat(101)])(
    "Upload-Length %j is refused",
    async (length) => {
      const before = await unfinished();
      expectProblem(await post(length === undefined ? {} : { "upload-length": length }), 400, "INVALID_FIELD");
      expect(await unfinished()).toEqual(before);
    },
  );

  test("Upload-Length said twice is refused", async () => {
    expectProblem(await post({ "upload-length": ["5", "6"] }), 400, "INVALID_FIELD");
  });

  test.each(["1", "0"])("Upload-Defer-Length %s is refused with the way out", async (defer) => {
    const answer = await post({ "upload-defer-length": defer });
    expectProblem(answer, 400, "INVALID_FIELD");
    expect(jsonIn(answer).detail).toContain("Upload-Length");
  });

  test.each([String(LIMIT_BYTES + 1), String(2n ** 63n - 1n), String(2n ** 63n), "9".repeat(100)])(
    "%s bytes are beyond the limit, which is told before the first byte",
    async (length) => {
      const before = await unfinished();
      // The body is announced and never sent: whoever waited for it would never answer.
      const begun = http.begin("/uploads", {
        method: "POST",
        headers: { ...patchHeaders(0), "upload-length": length, "content-length": "1000000" },
      });
      begun.flushHeaders();
      const response = await answerOf(begun);
      const answer = { status: response.statusCode ?? 0, headers: response.headers, body: await bodyOf(response) };
      begun.destroy();
      expectProblem(answer, 413, "TOO_LARGE");
      expect(jsonIn(answer)).toMatchObject({ limit_bytes: String(LIMIT_BYTES) });
      expect(await unfinished()).toEqual(before);
    },
  );

  test("5 GB may be declared, and 5 bytes sent", async () => {
    const path = await create(http, 5 * 1024 ** 3);
    expect((await patch(http, path, 0, Buffer.from("hello"))).headers["upload-offset"]).toBe("5");
    const standing = await http.ask(path, { method: "HEAD", headers: VERSION });
    expect(standing.headers).toMatchObject({ "upload-offset": "5", "upload-length": String(5 * 1024 ** 3) });
    expect((await http.ask(path, { method: "DELETE", headers: VERSION })).status).toBe(204);
  });

  test.each<[string, string, string]>([
    ["not Base64", "filename !!!", "Upload-Metadata.filename"],
    ["not UTF-8", `filename ${Buffer.from([0xff]).toString("base64")}`, "Upload-Metadata.filename"],
    ["a key twice", "title YQ==,title YQ==", "Upload-Metadata.title"],
    ["too long", `own ${"A".repeat(4096)}`, "Upload-Metadata"],
    ["a title too long", metadataOf({ title: "x".repeat(1000) }), "title"],
    ["a title with control characters", metadataOf({ title: "a\u0007b" }), "title"],
    ["a name that turns writing around", metadataOf({ filename: "a\u202e4pm.exe" }), "upload.filename"],
    ["a name with NUL", metadataOf({ filename: "a\0.mp4" }), "upload.filename"],
    ["a visibility that there is not", metadataOf({ visibility: "EVERYBODY" }), "visibility"],
    ["a type that is none", metadataOf({ filetype: "video" }), "upload.content_type"],
  ])("Upload-Metadata: %s", async (_, metadata, field) => {
    const before = await unfinished();
    const answer = await post({ "upload-length": "5", "upload-metadata": metadata });
    expectProblem(answer, 400, "INVALID_FIELD");
    expect(jsonIn(answer).field).toBe(field);
    expect(await unfinished()).toEqual(before);
  });

  test("a name that climbs out of folders is a name, and leads nowhere", async () => {
    const bytes = Buffer.from("no escape");
    const path = await create(http, bytes.length, { filename: "../../../../etc/passwd", filetype: "video/mp4" });
    await patch(http, path, 0, bytes);
    expectSameBytes(await watch(http, path), bytes);
  });

  test("a page of another site may not", async () => {
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }])
      expect((await post({ ...headers, "upload-length": "5" })).status).toBe(403);
    expect((await post({ host: "evil.example", "upload-length": "5" })).status).toBe(421);
  });
});

describe("creation with upload", () => {
  const withBody = (length: number, body: Uint8Array, more: Headers = {}) =>
    post({ "content-type": "application/offset+octet-stream", "upload-length": String(length), ...more }, body);

  test("takes the whole", async () => {
    const bytes = someBytes(300_000);
    const metadata = metadataOf({ filename: "a.mp4", filetype: "video/mp4" });
    const { status, headers } = await withBody(bytes.length, bytes, { "upload-metadata": metadata });
    expect(status).toBe(201);
    expect(headers["upload-offset"]).toBe(String(bytes.length));
    expect(headers["upload-expires"]).toBeUndefined();
    expectSameBytes(await watch(http, headers.location ?? ""), bytes);
  });

  test("takes a part, and the rest by PATCH", async () => {
    const bytes = someBytes(300_000);
    const metadata = metadataOf({ filename: "a.mp4", filetype: "video/mp4" });
    const begun = await withBody(bytes.length, bytes.subarray(0, 100_000), { "upload-metadata": metadata });
    expect(begun.status).toBe(201);
    expect(begun.headers["upload-offset"]).toBe("100000");
    const path = begun.headers.location ?? "";
    expect((await patch(http, path, 100_000, bytes.subarray(100_000))).status).toBe(204);
    expectSameBytes(await watch(http, path), bytes);
  });

  test("of nothing says where it stands too", async () => {
    for (const length of [0, 5]) {
      const { status, headers } = await withBody(length, Buffer.alloc(0));
      expect(status).toBe(201);
      expect(headers["upload-offset"]).toBe("0");
    }
  });

  test("a body of another type is not the upload's", async () => {
    const { status, headers } = await withBody(5, Buffer.from("hello"), { "content-type": "text/plain" });
    expect(status).toBe(201);
    expect(headers["upload-offset"]).toBeUndefined();
    expect(await offsetOf(http, headers.location ?? "")).toBe(0);
  });

  test("a body that is wrong leaves no upload", async () => {
    const before = await unfinished();
    const wrong = `sha1 ${createHash("sha1").update("other").digest("base64")}`;
    expectProblem(await withBody(3, Buffer.from("hello")), 413, "TOO_LARGE");
    expectProblem(await withBody(3, Buffer.from("hello"), { "transfer-encoding": "chunked" }), 413, "TOO_LARGE");
    expectProblem(await withBody(5, Buffer.from("hello"), { "upload-checksum": wrong }), 460, "BODY_CHECKSUM_MISMATCH");
    expectProblem(await withBody(5, Buffer.from("hello"), { "upload-checksum": "crc32 AA==" }), 400, "INVALID_FIELD");
    expect(await unfinished()).toEqual(before);
  });
});

describe("PATCH", () => {
  test("moves the offset, tells when the upload expires, and at the end the video", async () => {
    const path = await create(http, 10);
    const first = await patch(http, path, 0, Buffer.from("hello"));
    expect(first.status).toBe(204);
    expect(first.headers).toMatchObject({ "upload-offset": "5", "tus-resumable": "1.0.0" });
    expect(first.headers["upload-expires"]).toBeDefined();
    expect(first.headers["reelmesh-video"]).toBeUndefined();
    const last = await patch(http, path, 5, Buffer.from("world"));
    expect(last.status).toBe(204);
    expect(last.headers["upload-offset"]).toBe("10");
    expect(last.headers["upload-expires"]).toBeUndefined();
    expect(last.headers["reelmesh-video"]).toMatch(/^videos\//);
    expect((await watch(http, path)).toString()).toBe("helloworld");
  });

  test("of nothing changes nothing", async () => {
    const path = await create(http, 10);
    const answer = await patch(http, path, 0, Buffer.alloc(0));
    expect(answer.status).toBe(204);
    expect(answer.headers["upload-offset"]).toBe("0");
  });

  test.each([
    undefined,
    "text/plain",
    "application/octet-stream",
    "application/offset+octet-stream; charset=utf-8",
    "",
  ])("Content-Type %j is 415", async (type) => {
    const path = await create(http, 5);
    const headers = Object.fromEntries(Object.entries(patchHeaders(0)).filter(([name]) => name !== "content-type"));
    const sent = type === undefined ? headers : { ...headers, "content-type": type };
    expectProblem(
      await http.ask(path, { method: "PATCH", headers: sent, body: "hello" }),
      415,
      "BODY_NOT_OFFSET_BYTES",
    );
    expect(await offsetOf(http, path)).toBe(0);
  });

  test.each([undefined, "", "-1", "zero", "0.0", "0x0", "0, 0"])("Upload-Offset %j is 400", async (offset) => {
    const path = await create(http, 5);
    const headers = Object.fromEntries(Object.entries(patchHeaders(0)).filter(([name]) => name !== "upload-offset"));
    const sent = offset === undefined ? headers : { ...headers, "upload-offset": offset };
    expectProblem(await http.ask(path, { method: "PATCH", headers: sent, body: "hello" }), 400, "INVALID_FIELD");
    expect(await offsetOf(http, path)).toBe(0);
  });

  test.each([0, 2, 4, 5, 6, 1e15])("from %d, while the upload stands at 3 of 5, is a conflict", async (offset) => {
    const path = await create(http, 5);
    await patch(http, path, 0, Buffer.from("abc"));
    const answer = await patch(http, path, offset, Buffer.from("x"));
    expectProblem(answer, 409, "OFFSET_MISMATCH");
    expect(jsonIn(answer).offset).toBe("3");
    expect(await offsetOf(http, path)).toBe(3);
  });

  test("to a complete upload is a conflict", async () => {
    const path = await create(http, 5);
    await patch(http, path, 0, Buffer.from("hello"));
    for (const offset of [0, 5])
      expectProblem(await patch(http, path, offset, Buffer.from("x")), 409, "OFFSET_MISMATCH");
    expect((await watch(http, path)).toString()).toBe("hello");
  });

  test("of more than is missing is 413, said or found out", async () => {
    const path = await create(http, 5);
    await patch(http, path, 0, Buffer.from("ab"));
    const said = await patch(http, path, 2, Buffer.from("cdefg"));
    expectProblem(said, 413, "TOO_LARGE");
    expect(jsonIn(said).limit_bytes).toBe("3");
    const foundOut = await patch(http, path, 2, Buffer.from("cdefg"), { "transfer-encoding": "chunked" });
    expectProblem(foundOut, 413, "TOO_LARGE");
    const offset = await offsetOf(http, path);
    expect((await patch(http, path, offset, Buffer.from("cde").subarray(offset - 2))).status).toBe(204);
    expect((await watch(http, path)).toString()).toBe("abcde");
  });

  test("a client that asks first is told to go on, or spared its body", async () => {
    const path = await create(http, 5);
    const begin = (offset: number) => {
      const begun = http.begin(path, {
        method: "PATCH",
        headers: { ...patchHeaders(offset), expect: "100-continue", "content-length": "5" },
      });
      const said: string[] = [];
      begun.on("continue", () => {
        said.push("continue");
        begun.end("hello");
      });
      begun.flushHeaders();
      return { answer: answerOf(begun), said };
    };
    const refused = begin(3);
    expect((await refused.answer).statusCode).toBe(409);
    expect(refused.said).toEqual([]);
    const taken = begin(0);
    expect((await taken.answer).statusCode).toBe(204);
    expect(taken.said).toEqual(["continue"]);
  });

  test("a refused client that sends on still finds the answer", async () => {
    const body = Buffer.alloc(64 * 1024 * 1024);
    const path = await create(http, body.length - 1);
    for (let round = 0; round < 3; round++) {
      expectProblem(await patch(http, path, 1, body), 409, "OFFSET_MISMATCH");
      expectProblem(await patch(http, path, 0, body), 413, "TOO_LARGE");
    }
    const small = await create(http, 5);
    expectProblem(await patch(http, small, 0, body, { "transfer-encoding": "chunked" }), 413, "TOO_LARGE");
    expect(await offsetOf(http, path)).toBe(0);
  });
});

describe("checksum", () => {
  const digest = (algorithm: string, bytes: string) =>
    `${algorithm} ${createHash(algorithm).update(bytes).digest("base64")}`;

  test.each(["sha1", "sha256", "sha512", "md5"])(
    "%s: right bytes are taken, wrong ones leave no trace",
    async (algorithm) => {
      const path = await create(http, 10);
      const checked = (offset: number, bytes: string, checksum: string) =>
        patch(http, path, offset, Buffer.from(bytes), { "upload-checksum": checksum });
      expect((await checked(0, "hello", digest(algorithm, "hello"))).headers["upload-offset"]).toBe("5");
      expectProblem(await checked(5, "w0rld", digest(algorithm, "world")), 460, "BODY_CHECKSUM_MISMATCH");
      expect(await offsetOf(http, path)).toBe(5);
      expect((await checked(5, "world", digest(algorithm, "world"))).status).toBe(204);
      expect((await watch(http, path)).toString()).toBe("helloworld");
    },
  );

  test("of many blocks: nothing counts before all does", async () => {
    const bytes = someBytes(5 * 1024 * 1024);
    const path = await create(http, bytes.length);
    const right = `sha256 ${createHash("sha256").update(bytes).digest("base64")}`;
    const wrong = Buffer.from(bytes);
    wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1);
    expectProblem(await patch(http, path, 0, wrong, { "upload-checksum": right }), 460, "BODY_CHECKSUM_MISMATCH");
    expect(await offsetOf(http, path)).toBe(0);
    expect((await patch(http, path, 0, bytes, { "upload-checksum": right })).status).toBe(204);
    expectSameBytes(await watch(http, path), bytes);
  });

  test.each(["crc32 AAAA", "SHA1 AAAA", "sha1", "sha1 ", "sha1 %%%%", "sha1 AAA", "sha1 AAAA AAAA", "", "sha1,sha1"])(
    "Upload-Checksum %j is 400",
    async (checksum) => {
      const path = await create(http, 5);
      const answer = await patch(http, path, 0, Buffer.from("hello"), { "upload-checksum": checksum });
      expectProblem(answer, 400, "INVALID_FIELD");
      expect(await offsetOf(http, path)).toBe(0);
    },
  );

  test("a digest of the wrong length does not match", async () => {
    const path = await create(http, 5);
    const answer = await patch(http, path, 0, Buffer.from("hello"), { "upload-checksum": "sha1 AAAA" });
    expectProblem(answer, 460, "BODY_CHECKSUM_MISMATCH");
  });
});

describe("termination", () => {
  test("frees the upload, its bytes and its video", async () => {
    const path = await create(http, 10);
    await patch(http, path, 0, Buffer.from("hello"));
    const { headers } = await http.ask(path, { method: "HEAD", headers: VERSION });
    const { status, body } = await http.ask(path, { method: "DELETE", headers: VERSION });
    expect(status).toBe(204);
    expect(body).toHaveLength(0);
    for (const method of ["HEAD", "DELETE"])
      expect((await http.ask(path, { method, headers: VERSION })).status).toBe(404);
    expectProblem(await patch(http, path, 5, Buffer.from("world")), 404, "RESOURCE_NOT_FOUND");
    const video = await http.ask(`/api/v1/${String(headers["reelmesh-video"])}`);
    expect(video.status === 404 || jsonIn(video).state === "DELETED").toBe(true);
  });

  test("of a complete upload is refused: it is a video now", async () => {
    const path = await create(http, 5);
    await patch(http, path, 0, Buffer.from("hello"));
    expectProblem(await http.ask(path, { method: "DELETE", headers: VERSION }), 400, "WRONG_STATE");
    expect((await watch(http, path)).toString()).toBe("hello");
  });
});

describe("an upload that there is not", () => {
  test.each([
    "/uploads/nobody",
    `/uploads/${"a".repeat(64)}`,
    `/uploads/${"a".repeat(65)}`,
    "/uploads/a/b",
    "/uploads//",
    "/uploads/..",
    "/uploads/../uploads/a",
    "/uploads/%2e%2e",
    "/uploads/%00",
    "/uploads/a%00",
    "/uploads/a.b",
    "/uploads/-",
  ])("%s", async (path) => {
    for (const [method, headers] of [
      ["HEAD", VERSION],
      ["PATCH", patchHeaders(0)],
      ["DELETE", VERSION],
    ] satisfies [string, Headers][]) {
      const answer = await http.ask(path, { method, headers });
      expect(answer.status).toBe(404);
      expect(answer.headers["upload-offset"]).toBeUndefined();
    }
  });
});

test("unfinished uploads are listed, newest first, and finished ones are not", async () => {
  const first = await create(http, 10, { filename: "first.mp4" });
  const second = await create(http, 10, { filename: "second.mp4" });
  const third = await create(http, 5, { filename: "third.mp4" });
  await patch(http, first, 0, Buffer.from("abc"));
  await patch(http, third, 0, Buffer.from("whole"));
  const listed = await unfinished();
  expect(Array.isArray(listed) && listed.slice(0, 2)).toMatchObject([
    { name: second.slice(1), filename: "second.mp4", sizeBytes: "10", state: "RECEIVING" },
    { name: first.slice(1), filename: "first.mp4", offsetBytes: "3", sizeBytes: "10", state: "RECEIVING" },
  ]);
  expect(JSON.stringify(listed)).not.toContain(third.slice(1));
});
