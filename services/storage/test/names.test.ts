import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isObjectName, parsePrefix } from "../src/names.js";
import { reasonOf } from "./support.js";

const segment = fc.stringMatching(/^[A-Za-z0-9_-]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/);
const segments = (most: number) => fc.array(segment, { minLength: 1, maxLength: most });

describe("object names", () => {
  test("segments of the allowed characters make a name, up to the limit of its length", () => {
    fc.assert(
      fc.property(segments(8), (parts) => {
        const name = parts.join("/");
        expect(isObjectName(name)).toBe(name.length <= 1024);
      }),
    );
  });

  test("one wrong segment anywhere spoils a name", () => {
    const wrong = fc.oneof(
      fc.constantFrom("", ".", "..", ".a", "a.", "~", "a~", "a\0", "\0", "a\\b", "a b", "a\n", "ä", "a%2e", "a:b", "*"),
      fc.string({ unit: "binary", minLength: 1 }).filter((text) => !/^[A-Za-z0-9._/-]*$/.test(text)),
      fc.constant("x".repeat(129)),
    );
    fc.assert(
      fc.property(segments(7), wrong, fc.nat(), (parts, bad, at) => {
        const spoiled = parts.toSpliced(at % (parts.length + 1), 0, bad);
        expect(isObjectName(spoiled.join("/"))).toBe(false);
      }),
    );
  });

  test("more than 8 segments are too many", () => {
    expect(isObjectName("a/b/c/d/e/f/g/h")).toBe(true);
    expect(isObjectName("a/b/c/d/e/f/g/h/i")).toBe(false);
  });
});

describe("prefixes", () => {
  test("a prefix leaves room for a name", () => {
    fc.assert(
      fc.property(segments(3), (parts) => {
        const prefix = parsePrefix("prefix", `${parts.join("/")}/`);
        expect(isObjectName(`${prefix}a`)).toBe(true);
      }),
    );
  });

  test.each(["", "/", "a", "../", "a/../", "a//", "/a/", "a\0/", "a/b/c/d/e/f/g/h/"])("%j is none", async (text) => {
    const parsed = Promise.resolve().then(() => parsePrefix("prefix", text));
    expect(await reasonOf(parsed)).toBe("INVALID_FIELD");
  });
});
