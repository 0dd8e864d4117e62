import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { formatAge, formatBytes, formatDuration, formatTimeLeft, titleOf } from "../src/format.js";

describe("formatBytes", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KB"],
    [1536, "1.5 KB"],
    [10 * 1024, "10 KB"],
    [1_055_736, "1.0 MB"],
    [64 * 1024 ** 3, "64 GB"],
    [5 * 1024 ** 5, "5120 TB"],
    [-1, "0 B"],
  ])("%p is %p", (bytes, said) => {
    expect(formatBytes(bytes)).toBe(said);
  });

  test("never says more than three figures below a petabyte", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 * 1024 ** 4 }), (bytes) => {
        expect(formatBytes(bytes).replace(/\D/g, "").length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

describe("formatDuration", () => {
  test.each([
    [0, "0:00"],
    [5_312, "0:05"],
    [59_600, "1:00"],
    [754_000, "12:34"],
    [3_723_000, "1:02:03"],
    [-5, "0:00"],
  ])("%p ms is %p", (ms, said) => {
    expect(formatDuration(ms)).toBe(said);
  });
});

describe("formatAge", () => {
  const now = Date.parse("2026-06-15T12:00:00Z");
  test.each([
    ["2026-06-15T11:59:30Z", "just now"],
    ["2026-06-15T12:00:30Z", "just now"],
    ["2026-06-15T11:58:00Z", "2 min ago"],
    ["2026-06-15T09:00:00Z", "3 h ago"],
    ["2026-06-14T11:00:00Z", "yesterday"],
    ["2026-06-12T11:00:00Z", "3 days ago"],
    ["2026-06-07T11:00:00Z", "1 week ago"],
    ["2026-03-15T11:00:00Z", "3 months ago"],
    ["2024-06-01T11:00:00Z", "2 years ago"],
    ["no time", ""],
  ])("%p is %p", (time, said) => {
    expect(formatAge(time, now)).toBe(said);
  });
});

describe("formatTimeLeft", () => {
  test.each([
    [0.2, "1 s left"],
    [9.1, "10 s left"],
    [31, "35 s left"],
    [58, "1 min left"],
    [150, "3 min left"],
    [3_590, "1 h 0 min left"],
    [7_500, "2 h 5 min left"],
  ])("%p s is %p", (seconds, said) => {
    expect(formatTimeLeft(seconds)).toBe(said);
  });
});

describe("titleOf", () => {
  test.each([
    ["holiday.mp4", "holiday"],
    ["IMG_4711_holiday.MOV", "IMG 4711 holiday"],
    ["C:\\films\\a.b.mkv", "a.b"],
    [".mp4", ".mp4"],
    ["휴가 영상.mp4", "휴가 영상"],
    ["tab\there.mp4", "tab here"],
    ["___.mp4", "___.mp4"],
  ])("of %p is %p", (filename, title) => {
    expect(titleOf(filename)).toBe(title);
  });

  test("is what a title may be, whatever the file is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 400 }), (filename) => {
        const title = titleOf(filename);
        const length = Array.from(title).length;
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(200);
        expect(title).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
