import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { pageSize, requestId, resourceId, text } from "../src/fields.js";

/** Matches the error of a field. */
const invalid = (field: string, problem: string | RegExp) =>
  expect.objectContaining({ reason: "INVALID_FIELD", metadata: { field, problem: expect.stringMatching(problem) } });

describe("a resource name", () => {
  test.each([
    ["videos/abc", "videos/*", "abc"],
    ["videos/9-A", "videos/*", "9-A"],
    [`videos/${"x".repeat(64)}`, "videos/*", "x".repeat(64)],
    ["videos/abc/playback", "videos/*/playback", "abc"],
  ])("%s of the form %s has the id %s", (name, pattern, id) => {
    expect(resourceId("name", name, pattern)).toBe(id);
  });

  test.each([
    ["", "videos/*"],
    ["videos/", "videos/*"],
    ["videos", "videos/*"],
    ["abc", "videos/*"],
    ["videos/-abc", "videos/*"],
    ["videos/a/b", "videos/*"],
    ["videos/..", "videos/*"],
    ["videos/a\u0000", "videos/*"],
    ["videos/a\n", "videos/*"],
    ["videos/ä", "videos/*"],
    ["videos/%2e", "videos/*"],
    [" videos/abc", "videos/*"],
    ["Videos/abc", "videos/*"],
    [`videos/${"x".repeat(65)}`, "videos/*"],
    ["videos/playback", "videos/*/playback"],
    ["videos//playback", "videos/*/playback"],
    ["videos/abc", "videos/*/playback"],
    ["videos/abc/playback/x", "videos/*/playback"],
  ])("%j has not the form %s", (name, pattern) => {
    expect(() => resourceId("name", name, pattern)).toThrow(invalid("name", /^must have the form videos\/\{id\}/));
  });

  test("is nothing but its form around the id", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        try {
          expect(`videos/${resourceId("name", name, "videos/*")}`).toBe(name);
        } catch (error) {
          expect(error).toEqual(invalid("name", /form/));
        }
      }),
    );
  });
});

describe("a text", () => {
  const title = { min: 1, max: 10 };

  test.each([
    ["a title", "a title"],
    ["  spaces around ", "spaces around", 20],
    ["cafe\u0301", "caf\u00e9"],
    ["😀".repeat(10), "😀".repeat(10)],
    ["👩‍👩‍👧", "👩‍👩‍👧"],
    ["שלום", "שלום"],
  ])("%j is taken as %j", (given, clean, max = 10) => {
    expect(text("title", given, { min: 1, max })).toBe(clean);
  });

  test.each([
    ["", /^must not be empty$/],
    ["   ", /^must not be empty$/],
    ["x".repeat(11), /^has 11 characters, at most 10 are allowed$/],
    ["😀".repeat(11), /^has 11 characters/],
    ["a\u0000b", /control characters/],
    ["a\u007fb", /control characters/],
    ["a\u0085b", /control characters/],
    ["a\nb", /control characters/],
    ["a\u202eb", /control characters/],
    ["a\u2066b", /control characters/],
    ["a\u2028b", /control characters/],
    ["a\ud83d", /control characters/],
    ["a\ufffd", /UTF-8/],
  ])("%j is refused", (given, problem) => {
    expect(() => text("title", given, title)).toThrow(invalid("title", problem));
  });

  test("may have lines where lines are allowed, and nothing else of the kind", () => {
    expect(text("description", "a\r\n\tb\n", { ...title, lines: true })).toBe("a\r\n\tb");
    expect(() => text("description", "a\vb", { ...title, lines: true })).toThrow(invalid("description", /control/));
  });

  test("that is optional may be empty", () => {
    expect(text("description", " ", { min: 0, max: 10 })).toBe("");
  });

  test("needs as many characters as it says", () => {
    expect(() => text("title", "ab", { min: 3, max: 10 })).toThrow(invalid("title", /^needs 3 characters$/));
  });

  test("that was taken is taken again as it is, and never longer than allowed", () => {
    const given = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    fc.assert(
      fc.property(given, fc.boolean(), (value, lines) => {
        const bounds = { min: 0, max: 20, lines };
        let once: string;
        try {
          once = text("title", value, bounds);
        } catch (error) {
          expect(error).toEqual(invalid("title", ""));
          return;
        }
        expect(text("title", once, bounds)).toBe(once);
        expect(Array.from(once).length).toBeLessThanOrEqual(20);
        expect(Buffer.from(once).toString()).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a page size", () => {
  test.each([
    [0, 50],
    [1, 1],
    [100, 100],
    [101, 100],
    [2_147_483_647, 100],
  ])("%d means %d results", (given, size) => {
    expect(pageSize(given, { default: 50, max: 100 })).toBe(size);
  });

  test("below zero is refused", () => {
    expect(() => pageSize(-1, { default: 50, max: 100 })).toThrow(invalid("page_size", /negative/));
  });
});

describe("a request id", () => {
  test.each(["a", "0-9-a-Z", "x".repeat(64)])("%s is taken", (given) => {
    expect(requestId(given)).toBe(given);
  });

  test.each(["", "x".repeat(65), "a b", "a_b", "a\n", "ä"])("%j is refused", (given) => {
    expect(() => requestId(given)).toThrow(invalid("request_id", /^must be 1 to 64/));
  });
});
