import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEdge, type Answer, type Asked, type Edge } from "./edge.js";
import { reelmesh } from "./registries.js";

const webFolder = mkdtempSync(join(tmpdir(), "web-"));
let edge: Edge;
let answer: () => Promise<Uint8Array>;

beforeAll(async () => {
  mkdirSync(join(webFolder, "assets"));
  writeFileSync(join(webFolder, "index.html"), "<!doctype html><title>Reelmesh</title>");
  writeFileSync(join(webFolder, "assets/main-1234.js"), "export {};");
  writeFileSync(join(webFolder, "icon.svg"), "<svg/>");
  writeFileSync(join(webFolder, ".env"), "SECRET=1");
  edge = await startEdge({
    contracts: reelmesh,
    webFolder,
    allowedHosts: ["reelmesh.example"],
    answer: async () => answer(),
    principalOf: ({ headers }) =>
      headers.authorization === undefined ? {} : { principal: { name: "users/a" }, principalToken: "token" },
  });
});
afterEach(() => {
  edge.calls.length = 0;
  edge.logged.length = 0;
});
afterAll(async () => {
  await edge.stop();
  rmSync(webFolder, { recursive: true });
});

const nothing = async () => new Uint8Array();
const json = { "content-type": "application/json" };

async function ask(asked: Asked, service: typeof answer = nothing): Promise<Answer> {
  answer = service;
  return edge.ask(asked);
}

function parsed({ text }: Answer): unknown {
  const value: unknown = JSON.parse(text);
  return value;
}

describe("a call", () => {
  test("is answered in JSON that nobody keeps", async () => {
    const video = reelmesh.getMessage("reelmesh.catalog.v1.Video");
    if (!video) throw new Error("there is no Video");
    const said = { name: "videos/a", state: 3, visibility: 1, sizeBytes: 9_007_199_254_740_993n };
    const answered = await ask({ path: "/api/v1/videos/a" }, async () => toBinary(video, create(video, said)));
    expect(answered.status).toBe(200);
    expect(answered.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    expect(parsed(answered)).toEqual({
      name: "videos/a",
      visibility: "PUBLIC",
      state: "READY",
      sizeBytes: "9007199254740993",
    });
    expect(edge.calls).toMatchObject([
      { path: "/reelmesh.catalog.v1.CatalogService/GetVideo", json: { name: "videos/a" } },
    ]);
  });

  test("HEAD is GET without the body", async () => {
    const answered = await ask({ method: "HEAD", path: "/api/v1/videos/a" });
    expect(answered).toMatchObject({ status: 200, text: "", headers: { "content-length": "2" } });
    expect(edge.calls).toHaveLength(1);
  });

  test("carries who asks, until when, and a request id", async () => {
    const before = Date.now();
    const headers = { authorization: "Bearer x", "x-request-id": "client-chose-1" };
    const answered = await ask({ path: "/api/v1/videos", headers });
    expect(answered.headers["x-request-id"]).toBe("client-chose-1");
    expect(edge.calls).toMatchObject([
      { scope: { requestId: "client-chose-1", principal: { name: "users/a" }, principalToken: "token" } },
    ]);
    expect(edge.calls[0]?.scope.deadline).toBeGreaterThanOrEqual(before + 15_000);
  });

  test.each(["short", "x".repeat(65), "has spaces", "new;line"])(
    "gets an id of its own instead of %j",
    async (chosen) => {
      const answered = await ask({ path: "/api/v1/videos", headers: { "x-request-id": chosen } });
      expect(answered.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
      expect(edge.calls[0]?.scope.requestId).toBe(answered.headers["x-request-id"]);
    },
  );

  test("ends when the client goes", async () => {
    const went = new Promise<unknown>((resolve) => {
      answer = async () => {
        const { signal } = edge.calls[0]?.scope ?? {};
        return new Promise((_, reject) => {
          signal?.addEventListener("abort", () => {
            resolve(signal.reason);
            reject(new DomainError("CANCELLED"));
          });
          client.destroy();
        });
      };
    });
    const client = connect(edge.port, "127.0.0.1", () => {
      client.write("GET /api/v1/videos HTTP/1.1\r\nHost: localhost\r\n\r\n");
    });
    expect(await went).toMatchObject({ reason: "CANCELLED" });
    expect(edge.logged).toEqual([]);
  });

  test("ends when it takes too long", async () => {
    const hasty = await startEdge({
      contracts: reelmesh,
      timeoutMs: 1,
      answer: async (_path, _request, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason instanceof Error ? signal.reason : new Error("aborted without a reason"));
          });
        }),
    });
    try {
      const answered = await hasty.ask({ path: "/api/v1/videos" });
      expect({ status: answered.status, problem: parsed(answered) }).toMatchObject({
        status: 504,
        problem: { reason: "DEADLINE_EXCEEDED" },
      });
    } finally {
      await hasty.stop();
    }
  });
});

test("a body that does not arrive is not waited for", async () => {
  const hasty = await startEdge({ contracts: reelmesh, timeoutMs: 1 });
  try {
    const client = connect(hasty.port, "127.0.0.1", () => {
      client.write("POST /api/v1/videos/a:retry HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
    });
    const chunks: Buffer[] = [];
    client.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    await new Promise((resolve) => client.once("end", resolve));
    client.destroy();
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 408 .*"reason":"BODY_TOO_SLOW"/s);
    expect(hasty.calls).toEqual([]);
  } finally {
    await hasty.stop();
  }
});

describe("what goes wrong", () => {
  const big = JSON.stringify({ description: "x".repeat(300_000) });
  test.each<[string, Asked, number, object]>([
    [
      "an unknown path",
      { path: "/api/v1/nothing" },
      404,
      { reason: "RESOURCE_NOT_FOUND", resource: "/api/v1/nothing" },
    ],
    ["no version", { path: "/api" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a slash too many", { path: "/api/v1/videos/" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["two slashes", { path: "//api/v1/videos.json" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["an unknown verb", { method: "POST", path: "/api/v1/videos/a:burn" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    [
      "a method that is not offered",
      { method: "PUT", path: "/api/v1/videos/a" },
      405,
      { reason: "METHOD_NOT_ALLOWED" },
    ],
    [
      "a field of the wrong type",
      { path: "/api/v1/videos?pageSize=x" },
      400,
      { reason: "INVALID_FIELD", field: "pageSize" },
    ],
    ["a name that is not UTF-8", { path: "/api/v1/videos/%C3%28" }, 400, { reason: "INVALID_FIELD", field: "name" }],
    ["a fragment", { path: "/api/v1/videos#a" }, 400, { reason: "MALFORMED_TARGET" }],
    [
      "a body of another type",
      { method: "PATCH", path: "/api/v1/videos/a", body: "title=t" },
      415,
      { reason: "MEDIA_TYPE_NOT_SUPPORTED" },
    ],
    [
      "a body in another charset",
      {
        method: "PATCH",
        path: "/api/v1/videos/a",
        headers: { "content-type": "application/json; charset=utf-16" },
        body: "{}",
      },
      415,
      { reason: "MEDIA_TYPE_NOT_SUPPORTED" },
    ],
    [
      "a compressed body",
      { method: "PATCH", path: "/api/v1/videos/a", headers: { ...json, "content-encoding": "gzip" }, body: "x" },
      415,
      { reason: "MEDIA_TYPE_NOT_SUPPORTED" },
    ],
    [
      "a body that is not UTF-8",
      { method: "PATCH", path: "/api/v1/videos/a", headers: json, body: Uint8Array.of(0x22, 0xff, 0x22) },
      400,
      { reason: "INVALID_FIELD", field: "body" },
    ],
    [
      "a body that announces too much",
      { method: "PATCH", path: "/api/v1/videos/a", headers: json, body: big },
      413,
      { reason: "TOO_LARGE", limit_bytes: "262144" },
    ],
    [
      "a body that turns out too large",
      { method: "PATCH", path: "/api/v1/videos/a", headers: { ...json, "transfer-encoding": "chunked" }, body: big },
      413,
      { reason: "TOO_LARGE" },
    ],
    [
      "a foreign host",
      { path: "/api/v1/videos", headers: { host: "evil.example" } },
      421,
      { reason: "HOST_NOT_SERVED" },
    ],
    ["a foreign host at a page", { path: "/", headers: { host: "evil.example" } }, 421, { reason: "HOST_NOT_SERVED" }],
    [
      "a foreign origin",
      { method: "DELETE", path: "/api/v1/videos/a", headers: { origin: "https://evil.example" } },
      403,
      { reason: "ORIGIN_NOT_ALLOWED" },
    ],
    ["an asset that is not there", { path: "/assets/gone-1234.js" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a hidden file", { path: "/.env" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a file outside", { path: "/../../etc/passwd" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a file outside, encoded", { path: "/assets/..%2f..%2f..%2fetc%2fpasswd" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a page with NUL", { path: "/watch/%00" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a page that is not UTF-8", { path: "/watch/%FF" }, 404, { reason: "RESOURCE_NOT_FOUND" }],
    ["a write to a page", { method: "POST", path: "/watch/a" }, 405, { reason: "METHOD_NOT_ALLOWED" }],
    ["a write to the description", { method: "PUT", path: "/api/openapi.json" }, 405, { reason: "METHOD_NOT_ALLOWED" }],
    [
      "a page only if it is another",
      { path: "/", headers: { "if-match": '"other"' } },
      412,
      { reason: "PRECONDITION_FAILED" },
    ],
  ])("%s", async (_, asked, status, problem) => {
    const answered = await ask(asked);
    expect({ status: answered.status, type: answered.headers["content-type"] }).toEqual({
      status,
      type: "application/problem+json",
    });
    expect(parsed(answered)).toMatchObject({ status, instance: answered.headers["x-request-id"], ...problem });
    expect(edge.calls).toEqual([]);
    expect(edge.logged).toEqual([]);
  });

  test("a path's methods are listed", async () => {
    const at = async (path: string) => (await ask({ method: "OPTIONS", path })).headers.allow;
    expect(await at("/api/v1/videos/a")).toBe("DELETE, GET, HEAD, PATCH");
    expect(await at("/api/v1/videos/a:retry")).toBe("POST");
    expect(await at("/watch/a")).toBe("GET, HEAD");
  });

  test("a service's error is told with what it is about", async () => {
    const answered = await ask({ path: "/api/v1/videos/a" }, async () => {
      throw new DomainError("RESOURCE_NOT_FOUND", { resource: "videos/a" });
    });
    expect(answered.status).toBe(404);
    expect(parsed(answered)).toMatchObject({ type: "urn:reelmesh:error:RESOURCE_NOT_FOUND", resource: "videos/a" });
    expect(edge.logged).toEqual([]);
  });

  test("what nobody foresaw is logged and not told", async () => {
    const failure = new TypeError("a secret of the inside");
    const answered = await ask({ path: "/api/v1/videos/a" }, async () => {
      throw failure;
    });
    expect(answered.status).toBe(500);
    expect(answered.text).not.toContain("secret");
    expect(parsed(answered)).toMatchObject({ reason: "INTERNAL" });
    expect(edge.logged).toEqual([[{ err: failure, request_id: answered.headers["x-request-id"] }, expect.any(String)]]);
  });

  test("an answer that is no message of its type is logged and not told", async () => {
    const answered = await ask({ path: "/api/v1/videos/a" }, async () => Uint8Array.of(0xff));
    expect(parsed(answered)).toMatchObject({ status: 500, reason: "INTERNAL" });
    expect(edge.logged).toHaveLength(1);
  });

  test("bytes that are not HTTP do no harm", async () => {
    for (const bytes of [
      "\0\0\0",
      "GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/9\r\n\r\n",
      "\x16\x03\x01",
    ]) {
      const client = connect(edge.port, "127.0.0.1", () => client.end(Buffer.from(bytes, "latin1")));
      const chunks: Buffer[] = [];
      client.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
      await new Promise((resolve) => client.once("close", resolve));
      expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 400 /);
    }
    expect((await ask({ path: "/healthz" })).status).toBe(200);
  });
});

describe("pages", () => {
  test.each(["/", "/watch/abc", "/watch/%ED%95%9C", "/some/where/else", "/watch/", "/?search=a.b", "/index.html"])(
    "%s is the application, asked for each time",
    async (path) => {
      const answered = await ask({ path });
      expect(answered).toMatchObject({
        status: 200,
        text: "<!doctype html><title>Reelmesh</title>",
        headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" },
      });
      const again = await ask({ path, headers: { "if-none-match": answered.headers.etag ?? "" } });
      expect(again).toMatchObject({ status: 304, text: "" });
    },
  );

  test("assets are kept for a year, other files are not", async () => {
    const asset = await ask({ path: "/assets/main-1234.js" });
    expect(asset).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
      },
    });
    expect(await ask({ path: "/icon.svg" })).toMatchObject({ status: 200, headers: { "cache-control": "no-cache" } });
    expect(await ask({ method: "HEAD", path: "/icon.svg" })).toMatchObject({ status: 200, text: "" });
  });

  test("without a build there is no page", async () => {
    const bare = await startEdge({ contracts: reelmesh });
    try {
      expect(await bare.ask({ path: "/watch/a" })).toMatchObject({ status: 404 });
      expect(bare.logged).toEqual([]);
    } finally {
      await bare.stop();
    }
  });
});

describe("besides", () => {
  test("health", async () => {
    expect(await ask({ path: "/healthz" })).toMatchObject({
      status: 200,
      text: "ok\n",
      headers: { "cache-control": "no-store" },
    });
  });

  test("the description of the API", async () => {
    const answered = await ask({ path: "/api/openapi.json" });
    expect(answered).toMatchObject({ status: 200, headers: { "content-type": "application/json; charset=utf-8" } });
    expect(parsed(answered)).toMatchObject({ openapi: "3.1.0", paths: { "/api/v1/videos": {} } });
  });

  test.each(["/", "/api/v1/videos", "/api/nothing", "/healthz"])("%s is under the policy", async (path) => {
    const { headers } = await ask({ path });
    const policy = new Map(
      String(headers["content-security-policy"])
        .split(";")
        .map((part) => [part.split(" ")[0], part]),
    );
    expect(policy.get("default-src")).toBe("default-src 'none'");
    expect(policy.get("script-src")).toBe("script-src 'self'");
    expect(policy.get("frame-ancestors")).toBe("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "x-frame-options": "DENY",
    });
    expect(headers).not.toHaveProperty("x-powered-by");
    expect(headers).not.toHaveProperty("strict-transport-security");
  });
});
