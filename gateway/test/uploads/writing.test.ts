import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import { UploadServiceDefinition } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import fc from "fast-check";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "../../../test/support/mesh.js";
import { until } from "../../../test/support/until.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import { answerOf, createHttpClient, jsonIn, type HttpClient } from "../support/http.js";
import { startSplitMesh } from "../support/split-mesh.js";
import { create, offsetOf, patch, patchHeaders, watch } from "../support/tus.js";
import { watchRequests } from "../support/watched-requests.js";

const MIB = 1024 * 1024;

const cleanup = createCleanup();
const watched = watchRequests();
let mesh: WholeMesh;
let http: HttpClient;

beforeAll(async () => {
  mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  cleanup.add(() => mesh.stop());
  http = createHttpClient(mesh.url, cleanup);
});

afterAll(async () => {
  watched.stop();
  await cleanup.run();
});

/** Sends a part of a body from an offset, waits until the edge has read it all, and leaves the rest unsent. */
async function beginPatch(path: string, offset: number, length: number, bytes: Uint8Array, client = http) {
  const before = watched.to(path).length;
  const begun = client.begin(path, {
    method: "PATCH",
    headers: { ...patchHeaders(offset), "content-length": String(length) },
  });
  const answered = answerOf(begun);
  answered.catch(() => undefined);
  begun.write(bytes);
  const { request, socket } = await until(() => watched.to(path)[before]);
  await until(() => socket.bytesRead === begun.socket?.bytesWritten && request.readableLength === 0);
  return { begun, answered };
}

describe("a connection that is cut", () => {
  test("keeps what arrived, the last block's beginning too", async () => {
    const bytes = someBytes(5 * MIB + 77);
    const path = await create(http, bytes.length);
    const { begun } = await beginPatch(path, 0, bytes.length, bytes.subarray(0, 3 * MIB + 5));
    begun.destroy();
    await until(async () => (await offsetOf(http, path)) === 3 * MIB + 5);
    expect((await patch(http, path, 3 * MIB + 5, bytes.subarray(3 * MIB + 5))).status).toBe(204);
    expectSameBytes(await watch(http, path), bytes);
  });

  test("keeps nothing of a body with a checksum", async () => {
    const path = await create(http, 4 * MIB);
    const begun = http.begin(path, {
      method: "PATCH",
      headers: { ...patchHeaders(0, { "upload-checksum": "sha1 AAAA" }), "content-length": String(4 * MIB) },
    });
    begun.on("error", () => undefined);
    begun.write(Buffer.alloc(3 * MIB));
    const { request, response, socket } = await until(() => watched.to(path).at(-1));
    await until(() => socket.bytesRead > 3 * MIB);
    begun.destroy();
    await until(() => request.destroyed && response.destroyed);
    // Whoever writes next waits for whatever the edge still had to record.
    expect((await patch(http, path, 0, Buffer.from("a"))).headers["upload-offset"]).toBe("1");
  });

  test("anywhere, as often as one likes: the object is byte-identical in the end", async () => {
    const bytes = someBytes(6 * MIB + 1234);
    const cuts = fc.array(fc.integer({ min: 0, max: 3 * MIB }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (lengths, chunked) => {
        const path = await create(http, bytes.length);
        for (const length of lengths) {
          const offset = await offsetOf(http, path);
          const rest = bytes.subarray(offset);
          const sized = chunked ? {} : { "content-length": String(rest.length) };
          const begun = http.begin(path, { method: "PATCH", headers: { ...patchHeaders(offset), ...sized } });
          begun.on("error", () => undefined);
          begun.write(rest.subarray(0, length));
          // Part of it may still be on its way when the line breaks.
          if (length % 2 === 0) await until(() => begun.socket && begun.socket.bytesWritten >= length);
          begun.destroy();
        }
        const ended = await until(async () => {
          const offset = await offsetOf(http, path);
          if (offset === bytes.length) return true;
          const { status } = await patch(http, path, offset, bytes.subarray(offset));
          expect([204, 409]).toContain(status);
          return status === 204;
        });
        expect(ended).toBe(true);
        expectSameBytes(await watch(http, path), bytes);
      }),
      { numRuns: 15, seed: 20_260_101 },
    );
  }, 120_000);
});

test("on a slow line what has arrived is recorded while the rest still comes", async () => {
  const path = await create(http, 10 * MIB);
  const { begun } = await beginPatch(path, 0, 10 * MIB, Buffer.alloc(2 * MIB - 1));
  const realNow = Date.now.bind(Date);
  const clock = jest.spyOn(Date, "now").mockImplementation(() => realNow() + 6_000);
  try {
    begun.write("the last byte of a block, and more");
    await until(async () => (await offsetOf(http, path)) === 2 * MIB);
  } finally {
    clock.mockRestore();
    begun.destroy();
  }
});

describe("storage that does not answer", () => {
  test("does not undo a creation with upload", async () => {
    const { url, line } = await startSplitMesh(cleanup);
    const split = createHttpClient(url, cleanup);
    line.cut();
    const created = await split.ask("/uploads", {
      method: "POST",
      headers: { ...patchHeaders(0), "upload-length": "5" },
      body: "hello",
    });
    expect(created.status).toBe(201);
    expect(created.headers["upload-offset"]).toBe("0");
    const path = created.headers.location ?? "";
    expect((await patch(split, path, 0, Buffer.from("hello"))).status).toBe(503);
    line.mend();
    await until(async () => (await patch(split, path, 0, Buffer.from("hello"))).status === 204);
  });

  test("half-way ends the PATCH with 503, and what was recorded stands", async () => {
    const { url, line, calls } = await startSplitMesh(cleanup);
    const split = createHttpClient(url, cleanup);
    const bytes = someBytes(9 * MIB);
    const path = await create(split, bytes.length);
    calls.onCall("StageBlock", () => {
      if (calls.count("StageBlock") === 3) line.cut();
    });
    expect((await patch(split, path, 0, bytes)).status).toBe(503);
    const offset = await offsetOf(split, path);
    expect([4 * MIB, 6 * MIB]).toContain(offset);
    line.mend();
    await until(async () => (await patch(split, path, offset, bytes.subarray(offset))).status === 204);
    expectSameBytes(await watch(split, path), bytes);
  });
});

test("an edge that stops keeps what arrived", async () => {
  const bytes = someBytes(5 * MIB + 77);
  const data = await cleanup.folder();
  const first = await startWholeMesh({ REELMESH_DATA: data });
  const toFirst = createHttpClient(first.url, cleanup);
  const path = await create(toFirst, bytes.length);
  const { answered } = await beginPatch(path, 0, bytes.length, bytes.subarray(0, 3 * MIB + 5), toFirst);
  await first.stop();
  await expect(answered).rejects.toThrow();

  const second = await startWholeMesh({ REELMESH_DATA: data });
  cleanup.add(() => second.stop());
  const toSecond = createHttpClient(second.url, cleanup);
  expect(await offsetOf(toSecond, path)).toBe(3 * MIB + 5);
  expect((await patch(toSecond, path, 3 * MIB + 5, bytes.subarray(3 * MIB + 5))).status).toBe(204);
  expectSameBytes(await watch(toSecond, path), bytes);
});

describe("two that write at once", () => {
  test("the newer wins, the stale one gets 409, and the bytes are right", async () => {
    const bytes = someBytes(5 * MIB);
    const path = await create(http, bytes.length);
    // A client whose line went dead without a word; what it sent is on the way to storage.
    const stale = await beginPatch(path, 0, bytes.length, Buffer.alloc(3 * MIB, "stale"));
    expect((await patch(http, path, 0, bytes.subarray(0, MIB))).headers["upload-offset"]).toBe(String(MIB));
    stale.begun.end(Buffer.alloc(2 * MIB, "stale"));
    expect((await stale.answered).statusCode).toBe(409);
    expect(await offsetOf(http, path)).toBe(MIB);
    expect((await patch(http, path, MIB, bytes.subarray(MIB))).status).toBe(204);
    expectSameBytes(await watch(http, path), bytes);
  });

  test("from the same offset, together: whatever is answered is true", async () => {
    const bytes = someBytes(3 * MIB);
    const path = await create(http, bytes.length);
    const answers = await Promise.all(Array.from({ length: 6 }, () => patch(http, path, 0, bytes)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(5);
    expectSameBytes(await watch(http, path), bytes);
  });
});

/** Records blocks of one byte, as an edge whose clients sent them one by one would. Nothing of them is staged. */
async function recordBytewise(name: string, count: number) {
  const channel = openChannel("upload", mesh.addressOf("upload"), "gateway", mesh.tokens);
  cleanup.add(() => {
    channel.close();
    return Promise.resolve();
  });
  const uploads = createClient(UploadServiceDefinition, channel);
  const principalToken = await mesh.tokens.forPrincipal({ name: "users/local" }, 60);
  const scope = { requestId: randomUUID(), signal: new AbortController().signal, principalToken };
  const { fence } = await uploads.openWrite({ name, offset: 0n }, scope);
  const sha256 = Buffer.alloc(32);
  const id = (number: number) => `${String(fence).padStart(8, "0")}-${number.toString(16).padStart(8, "0")}`;
  for (let offset = 0; offset < count; offset += 256) {
    const length = Math.min(256, count - offset);
    const blocks = Array.from({ length }, (_, at) => ({ id: id(offset + at), sha256, sizeBytes: 1n }));
    await uploads.recordBlocks({ name, fence, offset: BigInt(offset), blocks }, scope);
  }
}

test("an upload in absurdly many pieces is refused with a sentence", async () => {
  const path = await create(http, 60_000);
  await recordBytewise(path.slice(1), 49_999);
  expect(await offsetOf(http, path)).toBe(49_999);
  const answer = await patch(http, path, 49_999, Buffer.from("x"));
  expect(answer.status).toBe(400);
  expect(jsonIn(answer)).toMatchObject({
    reason: "TOO_MANY_PIECES",
    detail: expect.stringContaining("came in too many small pieces"),
  });
});
