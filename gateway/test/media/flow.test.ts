import { afterEach, expect, test } from "@jest/globals";
import type { IncomingMessage } from "node:http";
import { readdir, readlink, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createCleanup } from "../../../test/support/cleanup.js";
import { until } from "../../../test/support/until.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import { answerOf, bodyOf, createHttpClient, jsonIn, type HttpClient } from "../support/http.js";
import { settled } from "../support/settled.js";
import { startSplitMesh } from "../support/split-mesh.js";
import { upload } from "../support/tus.js";
import { watchRequests } from "../support/watched-requests.js";

const MIB = 1024 * 1024;

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** The edge in front of one video, and the requests for it as the edge sees them. */
async function startWithVideo(bytes: Buffer) {
  const mesh = await startSplitMesh(cleanup);
  const http = createHttpClient(mesh.url, cleanup);
  const path = `/media/${await upload(http, bytes)}/-/source`;
  const watched = watchRequests();
  cleanup.add(() => {
    watched.stop();
    return Promise.resolve();
  });
  return { ...mesh, http, path, viewers: () => watched.to(path) };
}

/** Begins to watch and reads nothing. */
async function beginToWatch(http: HttpClient, path: string): Promise<IncomingMessage> {
  const begun = http.begin(path);
  begun.end();
  return answerOf(begun);
}

/** A response's next bytes. */
async function firstChunk(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    response.once("data", (chunk: Buffer) => {
      response.pause();
      resolve(chunk);
    });
    response.once("error", reject);
  });
}

/*
 * What the edge holds for a viewer is what storage has sent towards it, counted on the line between the two, less what
 * Node has handed to the system for the viewer (`bytesWritten` without what is still queued, `writableLength`). That
 * counts in all of HTTP/2's window and gRPC's framing, and even what lies in the line itself.
 */
test("for a viewer who reads nothing of 100 MB the edge holds at most 1 MiB", async () => {
  const bytes = someBytes(100 * MIB);
  const { http, path, line, viewers } = await startWithVideo(bytes);
  const before = line.received();
  const taken = () => line.received() - before;
  const response = await beginToWatch(http, path);
  const handedOn = () => {
    const [viewer] = viewers();
    return viewer ? viewer.socket.bytesWritten - viewer.socket.writableLength : 0;
  };
  await settled(taken);
  await settled(handedOn);
  expect(taken()).toBeGreaterThan(MIB);
  expect(taken()).toBeLessThan(bytes.length / 2);
  expect(taken() - handedOn()).toBeLessThanOrEqual(MIB);

  // One who wakes up gets everything after all.
  expectSameBytes(await bodyOf(response), bytes);
}, 120_000);

test("viewers who read nothing do not hold up the others", async () => {
  const bytes = someBytes(24 * MIB);
  const { http, path, line } = await startWithVideo(bytes);
  const slow = await Promise.all(Array.from({ length: 30 }, () => beginToWatch(http, path)));
  await settled(() => line.received());
  expectSameBytes((await http.ask(path)).body, bytes);
  await upload(http, someBytes(3 * MIB));
  for (const response of slow) expect(response.complete).toBe(false);
}, 120_000);

test("200 viewers who leave in the middle leave nothing behind", async () => {
  const { http, path, data, calls, viewers } = await startWithVideo(someBytes(64 * MIB));
  const viewing = Array.from({ length: 200 }, async () => {
    const response = await beginToWatch(http, path);
    await firstChunk(response);
    expect(response.complete).toBe(false);
    response.destroy();
  });
  await Promise.all(viewing);
  expect(viewers()).toHaveLength(200);
  await until(() => viewers().every(({ response, socket }) => response.destroyed && socket.destroyed));
  // Every call for bytes has ended, each because its caller left, and every file is closed.
  await until(() => calls.count("ReadObject") === 200);
  expect(calls.count("ReadObject", "CANCELLED")).toBe(200);
  await until(async () => (await openFilesUnder(join(data, "objects"))).length === 0);
});

test("one question about access is enough for many ranges", async () => {
  const bytes = someBytes(MIB);
  const { http, path, calls } = await startWithVideo(bytes);
  for (let start = 0; start < 20; start++) {
    const { body } = await http.ask(path, { headers: { range: `bytes=${start}-${start + 99}` } });
    expectSameBytes(body, bytes.subarray(start, start + 100));
  }
  expect(calls.count("OpenMedia")).toBe(1);
  // A call is logged after it was answered.
  await until(() => calls.count("ReadObject", "OK") === 20);
});

test("storage that dies in the middle ends the response visibly", async () => {
  const bytes = someBytes(64 * MIB);
  const { http, path, line } = await startWithVideo(bytes);
  const response = await beginToWatch(http, path);
  await firstChunk(response);
  line.cut();
  await expect(bodyOf(response)).rejects.toThrow("aborted");
  const later = await http.ask(path);
  expect(later.status).toBe(503);
  expect(later.headers["retry-after"]).toBe("1");
  expect(jsonIn(later).reason).toBe("SERVICE_UNAVAILABLE");
});

test("services that stop in the middle end the response visibly", async () => {
  const { http, path, services } = await startWithVideo(someBytes(64 * MIB));
  const response = await beginToWatch(http, path);
  await firstChunk(response);
  await services.stop();
  await expect(bodyOf(response)).rejects.toThrow("aborted");
});

test("an object that is damaged half-way is never taken for whole", async () => {
  const bytes = someBytes(6 * MIB);
  const { http, path, data } = await startWithVideo(bytes);
  const blocks = await filesOf(join(data, "objects"), 2 * MIB);
  expect(blocks).toHaveLength(3);
  await truncate(blocks.sort().at(-1) ?? "", MIB);
  await expect(http.ask(path)).rejects.toThrow("aborted");
  expectSameBytes((await http.ask(path, { headers: { range: "bytes=0-999" } })).body, bytes.subarray(0, 1000));
  const beyond = await http.ask(path, { headers: { range: `bytes=${5 * MIB}-` } });
  expect(beyond.status).toBe(500);
  expect(jsonIn(beyond).reason).toBe("OBJECT_DAMAGED");
});

/** The files under a folder that this process has open. */
async function openFilesUnder(folder: string): Promise<string[]> {
  const targets = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(targets)).filter((target) => target.startsWith(folder));
}

/** The files of this size under a folder. */
async function filesOf(folder: string, size: number): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(files.map((file) => stat(file)));
  return files.filter((_, at) => sizes[at]?.size === size);
}
