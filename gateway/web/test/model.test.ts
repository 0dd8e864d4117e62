import { describe, expect, test } from "@jest/globals";
import { parsePlayback, parseUploads, parseVideo, parseVideoPage } from "../src/model.js";
import { parseProblem } from "../src/problem.js";

describe("parseVideo", () => {
  test("reads numbers from strings and gives absent fields their default", () => {
    const video = parseVideo({
      name: "videos/a",
      state: "READY",
      durationMs: "5312",
      width: 1280,
      visibility: "PUBLIC",
    });
    expect(video).toMatchObject({
      name: "videos/a",
      state: "READY",
      durationMs: 5312,
      width: 1280,
      height: 0,
      visibility: "PUBLIC",
      description: "",
    });
  });

  test("takes values of a newer server for the harmless ones", () => {
    expect(parseVideo({ state: "ARCHIVED", visibility: "FRIENDS", sizeBytes: "many" })).toMatchObject({
      state: "PROCESSING",
      visibility: "PRIVATE",
      sizeBytes: 0,
    });
  });

  test.each([[null], [[]], ["video"], [undefined]])("refuses %p", (json) => {
    expect(() => parseVideo(json)).toThrow(TypeError);
  });
});

test("an empty page is a page", () => {
  expect(parseVideoPage({})).toEqual({ videos: [], nextPageToken: "" });
});

test("uploads are read with their defaults", () => {
  expect(parseUploads({ uploads: [{ name: "uploads/u", sizeBytes: "7", filename: "a.mp4" }] })).toEqual([
    {
      name: "uploads/u",
      video: "",
      state: "RECEIVING",
      sizeBytes: 7,
      offsetBytes: 0,
      filename: "a.mp4",
      contentType: "",
    },
  ]);
});

test("media is played from the edge's media alone", () => {
  expect(parsePlayback({ path: "/media/a/-/source", contentType: "video/mp4" }).path).toBe("/media/a/-/source");
  expect(() => parsePlayback({ path: "https://elsewhere.example/a.mp4" })).toThrow(TypeError);
  expect(() => parsePlayback({})).toThrow(TypeError);
});

describe("parseProblem", () => {
  test("reads problem details", () => {
    const body = JSON.stringify({ status: 400, reason: "INVALID_FIELD", detail: "Too long.", field: "title" });
    expect(parseProblem(400, body)).toMatchObject({
      status: 400,
      reason: "INVALID_FIELD",
      detail: "Too long.",
      field: "title",
    });
  });

  test.each(["", "<html>502 Bad Gateway</html>", "[]", "null"])("makes do with %p", (body) => {
    expect(parseProblem(502, body)).toMatchObject({ status: 502, reason: "UNKNOWN", detail: "" });
    expect(parseProblem(404, body).reason).toBe("RESOURCE_NOT_FOUND");
  });
});
