import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { StoredUpload } from "../src/model.js";
import { FIRST_CHUNK_BYTES, nextChunkBytes, percentOf, secondsLeft, speedOf } from "../src/upload-progress.js";
import { newUpload, reduceUploads, type UploadEvent, type UploadItem } from "../src/upload-state.js";

const MB = 1024 * 1024;
const fresh = newUpload("new-1", { name: "a_film.mp4", size: 40 * MB }, "UNLISTED");
const after = (start: readonly UploadItem[], ...events: readonly UploadEvent[]) => events.reduce(reduceUploads, start);
const only = (items: readonly UploadItem[]): UploadItem => {
  expect(items).toHaveLength(1);
  return items[0] ?? fresh;
};
const stored = (id: string, more: Partial<StoredUpload> = {}): StoredUpload => ({
  name: `uploads/${id}`,
  video: `videos/of-${id}`,
  state: "RECEIVING",
  sizeBytes: 40 * MB,
  offsetBytes: 8 * MB,
  filename: "a_film.mp4",
  contentType: "video/mp4",
  ...more,
});
const listed = (entries: readonly StoredUpload[], ...carried: readonly string[]): UploadEvent => ({
  type: "listed",
  stored: entries,
  carried: new Set(carried),
});
const named = (uploadId: string, video = ""): UploadEvent => ({ type: "named", key: "new-1", uploadId, video });

describe("progress", () => {
  test("counts acknowledged bytes; what was sent is never less", () => {
    const item = only(
      after(
        [fresh],
        { type: "sent", key: "new-1", bytes: 5 * MB, atMs: 1000 },
        { type: "acked", key: "new-1", bytes: 4 * MB, atMs: 1100 },
        { type: "sent", key: "new-1", bytes: 3 * MB, atMs: 1200 },
      ),
    );
    expect(item).toMatchObject({ ackedBytes: 4 * MB, sentBytes: 4 * MB });
    expect(percentOf(item)).toBe(10);
  });

  test("speed is that of acknowledged bytes once there are enough, before that of sent ones", () => {
    const sending = after(
      [fresh],
      { type: "sent", key: "new-1", bytes: 0, atMs: 0 },
      { type: "sent", key: "new-1", bytes: 4 * MB, atMs: 1000 },
    );
    expect(speedOf(only(sending))).toBe(4 * MB);
    const acknowledged = only(
      after(
        sending,
        { type: "acked", key: "new-1", bytes: 4 * MB, atMs: 2000 },
        { type: "acked", key: "new-1", bytes: 8 * MB, atMs: 4000 },
      ),
    );
    expect(speedOf(acknowledged)).toBe(2 * MB);
    expect(secondsLeft(acknowledged)).toBe(16);
  });

  test("speed cannot be said at once, nor after a pause", () => {
    expect(speedOf(fresh)).toBe(0);
    expect(secondsLeft(fresh)).toBeUndefined();
    const paused = after(
      [fresh],
      { type: "sent", key: "new-1", bytes: 0, atMs: 0 },
      { type: "sent", key: "new-1", bytes: MB, atMs: 900 },
      { type: "phase", key: "new-1", phase: "paused" },
    );
    expect(speedOf(only(paused))).toBe(0);
  });

  test("percent is 100 only when every byte is acknowledged", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (size, part) => {
        const ackedBytes = Math.floor(size * part);
        expect(percentOf({ ackedBytes, sizeBytes: size }) === 100).toBe(ackedBytes === size);
      }),
    );
  });
});

describe("what the server lists", () => {
  test("appears as interrupted, or as another tab's, or as being finished", () => {
    const items = after([], listed([stored("a"), stored("b"), stored("c", { state: "FINISHING" })], "b"));
    expect(items.map(({ uploadId, phase, ackedBytes }) => [uploadId, phase, ackedBytes])).toEqual([
      ["a", "interrupted", 8 * MB],
      ["b", "elsewhere", 8 * MB],
      ["c", "finishing", 8 * MB],
    ]);
  });

  test("leaves alone what this page is doing, and tells it its video", () => {
    const going = after([fresh], named("a"), { type: "phase", key: "new-1", phase: "uploading" });
    const item = only(after(going, listed([stored("a")], "a")));
    expect(item).toMatchObject({ phase: "uploading", ackedBytes: 0, video: "videos/of-a" });
    expect(only(after(going, listed([])))).toMatchObject({ phase: "uploading" });
  });

  test("moves on by the next list, keeping the title somebody gave it, and goes with it", () => {
    const first = after([], listed([stored("a")]), { type: "edited", key: "uploads/a", title: "Mine" });
    const second = after(first, listed([stored("a", { offsetBytes: 12 * MB })], "a"));
    expect(only(second)).toMatchObject({ phase: "elsewhere", ackedBytes: 12 * MB, title: "Mine" });
    expect(after(second, listed([]))).toEqual([]);
    expect(after(second, listed([stored("a", { state: "FINISHED" })]))).toEqual([]);
  });

  test("does not appear twice when the list comes before the answer to its creation", () => {
    expect(only(after([fresh], listed([stored("a")]), named("a", "videos/v")))).toMatchObject({
      key: "new-1",
      uploadId: "a",
      video: "videos/v",
    });
  });
});

test("an upload that starts over as another one starts from nothing", () => {
  const item = only(
    after(
      [fresh],
      named("a", "videos/old"),
      { type: "acked", key: "new-1", bytes: 4 * MB, atMs: 1 },
      named("b", "videos/new"),
    ),
  );
  expect(item).toMatchObject({ uploadId: "b", video: "videos/new", ackedBytes: 0, sentBytes: 0 });
});

test("edits and what the server has of them are kept apart", () => {
  const edited = after([fresh], { type: "edited", key: "new-1", visibility: "PUBLIC" });
  expect(only(edited)).toMatchObject({ visibility: "PUBLIC", saved: { visibility: "UNLISTED" } });
  const saved = after(edited, { type: "saved", key: "new-1", title: "a film", visibility: "PUBLIC" });
  expect(only(saved).saved).toEqual({ title: "a film", visibility: "PUBLIC" });
  expect(after(saved, { type: "removed", key: "new-1" })).toEqual([]);
});

describe("nextChunkBytes", () => {
  test("grows on a fast line, at most by two, and shrinks on a slow one", () => {
    expect(nextChunkBytes(FIRST_CHUNK_BYTES, 10)).toBe(8 * MB);
    expect(nextChunkBytes(32 * MB, 1500)).toBe(32 * MB);
    expect(nextChunkBytes(32 * MB, 6000)).toBe(8 * MB);
    expect(nextChunkBytes(4 * MB, 60_000)).toBe(4 * MB);
  });

  test("is always one to sixteen whole blocks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 * MB }), fc.double({ min: 0, max: 1e6, noNaN: true }), (last, took) => {
        const blocks = nextChunkBytes(last, took) / FIRST_CHUNK_BYTES;
        expect(Number.isInteger(blocks)).toBe(true);
        expect(blocks).toBeGreaterThanOrEqual(1);
        expect(blocks).toBeLessThanOrEqual(16);
      }),
    );
  });
});
