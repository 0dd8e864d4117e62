import { describe, expect, test } from "@jest/globals";
import { downloadName, videoType } from "../src/media-types.js";
import { parseProblem, Problem } from "../src/problem.js";
import { isPassing, isSameFile, refusal, uploadError } from "../src/upload-files.js";
import { words } from "../src/words.js";

const file = (name: string, type = "", size = 1) => ({ name, type, size });

test.each([
  [file("a.mp4", "video/mp4"), "video/mp4"],
  [file("a.MKV"), "video/x-matroska"],
  [file("a.mxf", "application/octet-stream"), "application/mxf"],
  [file("a.html", "text/html"), ""],
  [file("a.svg", "image/svg+xml"), ""],
  [file("mp4"), ""],
  [file("a.constructor"), ""],
])("%p is taken for %p", (given, type) => {
  expect(videoType(given)).toBe(type);
});

test.each([
  ["A film", "video/mp4", "A film.mp4"],
  ["A film", "video/mp2t", "A film.ts"],
  ["A film", "video/unheard-of", "A film"],
])("%p of type %p is the file %p", (title, type, name) => {
  expect(downloadName(title, type)).toBe(name);
});

test("what is no video, or empty, is refused with what to do", () => {
  expect(refusal(file("notes.txt", "text/plain"))).toBe(words.upload.refused.type);
  expect(refusal(file("a.mp4", "video/mp4", 0))).toBe(words.upload.refused.empty);
  expect(refusal(file("a.mp4", "video/mp4"))).toBe("");
});

test("a file is the same by name and size", () => {
  const upload = { filename: "a.mp4", sizeBytes: 1 };
  expect(isSameFile(file("a.mp4"), upload)).toBe(true);
  expect(isSameFile(file("b.mp4"), upload)).toBe(false);
  expect(isSameFile(file("a.mp4", "", 2), upload)).toBe(false);
});

describe("errors", () => {
  test("the server's own sentence wins where it knows more", () => {
    const said = (status: number, detail: string) => uploadError(new Problem(status, "ANY", detail), 1);
    expect(said(413, "Too much for today.")).toBe("Too much for today.");
    expect(said(413, "")).toBe(words.upload.errors.tooLarge);
    expect(said(507, "")).toBe(words.upload.errors.full);
    expect(said(0, "")).toBe(words.upload.errors.unreachable);
    expect(said(404, "There is no such upload.")).toBe(words.upload.errors.gone);
  });

  test("a limit is said beside the file's size", () => {
    const body = JSON.stringify({ reason: "TOO_LARGE", detail: "Too large.", limit_bytes: "68719476736" });
    expect(uploadError(parseProblem(413, body), 71 * 1024 ** 3)).toBe(
      "This file is 71 GB; the limit is 64 GB. Choose a smaller one.",
    );
  });

  test.each([
    [0, true],
    [409, true],
    [423, true],
    [500, true],
    [503, true],
    [400, false],
    [404, false],
    [413, false],
    [501, false],
    [507, false],
  ])("status %p passes by itself: %p", (status, passing) => {
    expect(isPassing(status)).toBe(passing);
  });
});
