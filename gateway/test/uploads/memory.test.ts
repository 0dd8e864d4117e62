import { afterAll, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { createCleanup } from "../../../test/support/cleanup.js";
import { until } from "../../../test/support/until.js";
import { someBytes } from "../support/bytes.js";
import { answerOf, createHttpClient } from "../support/http.js";
import { settled } from "../support/settled.js";
import { startSplitMesh } from "../support/split-mesh.js";
import { create, mediaOf, patchHeaders } from "../support/tus.js";
import { watchRequests } from "../support/watched-requests.js";

const MIB = 1024 * 1024;
const BLOCK_BYTES = 2 * MIB;
const SIZE = 200 * MIB;
const PIECE = someBytes(MIB);

const cleanup = createCleanup();
const watched = watchRequests();

afterAll(async () => {
  watched.stop();
  await cleanup.run();
});

/*
 * What the edge holds of a body is what it has read from the client's connection less what storage has acknowledged.
 * The first Node counts at the edge's end of the connection (`bytesRead`). For the second, storage's own log counts the
 * blocks it staged; the answer to the last of them may still be on its way, so that one does not count. The sum is thus
 * never less than what is held. It is taken whenever storage has staged a block, and when everything has come to a
 * standstill because the line brings no answer of storage's back.
 */
test("of an upload of 200 MB the edge holds at most 8 MiB, however slow storage is", async () => {
  const { url, line, calls } = await startSplitMesh(cleanup);
  const http = createHttpClient(url, cleanup);
  const path = await create(http, SIZE);
  const begun = http.begin(path, {
    method: "PATCH",
    headers: { ...patchHeaders(0), "content-length": String(SIZE) },
  });
  const answered = answerOf(begun);

  let held = 0;
  let samples = 0;
  const sample = () => {
    const read = watched.to(path)[0]?.socket.bytesRead ?? 0;
    const acknowledged = Math.max(0, calls.count("StageBlock", "OK") - 1) * BLOCK_BYTES;
    held = Math.max(held, read - acknowledged);
    samples += 1;
  };
  calls.onCall("StageBlock", sample);

  line.hold();
  for (const piece of pieces()) begun.write(piece);
  begun.end();
  for (const blocks of [0, 30, 70]) {
    await until(() => calls.count("StageBlock") >= blocks);
    line.hold();
    await settled(() => watched.to(path)[0]?.socket.bytesRead);
    sample();
    line.release();
  }
  expect((await answered).statusCode).toBe(204);
  expect(samples).toBe(SIZE / BLOCK_BYTES + 3);
  expect(held).toBeGreaterThan(BLOCK_BYTES);
  expect(held).toBeLessThanOrEqual(8 * MIB);
  const viewed = http.begin(await mediaOf(http, path));
  viewed.end();
  expect(await digestOf(await answerOf(viewed))).toBe(await digestOf(pieces()));
}, 120_000);

function* pieces() {
  for (let at = 0; at < SIZE; at += PIECE.length) yield PIECE;
}

async function digestOf(chunks: Iterable<unknown> | AsyncIterable<unknown>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  return hash.digest("hex");
}
