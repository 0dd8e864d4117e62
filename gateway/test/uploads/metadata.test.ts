import { describe, expect, test } from "@jest/globals";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import fc from "fast-check";
import { readMetadata } from "../../src/uploads/tus.js";

const base64 = (text: string) => Buffer.from(text).toString("base64");

function read(header: string): Record<string, string> | string {
  try {
    return Object.fromEntries(readMetadata(header));
  } catch (error) {
    if (isDomainError(error, "INVALID_FIELD")) return error.message;
    throw error;
  }
}

describe("well-formed", () => {
  test.each<[string, Record<string, string>]>([
    ["", {}],
    ["  ", {}],
    [`filename ${base64("a.mp4")}`, { filename: "a.mp4" }],
    [`filename ${base64("a.mp4")},filetype ${base64("video/mp4")}`, { filename: "a.mp4", filetype: "video/mp4" }],
    [`name ${base64("a.mp4")}, type ${base64("video/mp4")}`, { name: "a.mp4", type: "video/mp4" }],
    [`title ${base64("Ünïcödé 映画 🎬")}`, { title: "Ünïcödé 映画 🎬" }],
    ["filename", { filename: "" }],
    ["filename ,filetype", { filename: "", filetype: "" }],
    // A key of the client's own may have any bytes.
    [`thumb ${Buffer.from([0xff, 0xfe]).toString("base64")},is_confidential`, {}],
    ["__proto__ eA==,constructor eA==", {}],
  ])("%j", (header, expected) => {
    expect(read(header)).toEqual(expected);
  });
});

describe("malformed", () => {
  test.each([
    [",", "Upload-Metadata: is not pairs"],
    [`filename ${base64("a")},`, "Upload-Metadata: is not pairs"],
    [` ,filename ${base64("a")}`, "Upload-Metadata: is not pairs"],
    ["filename YQ== YQ==", "Upload-Metadata: is not pairs"],
    ["filename  YQ==", "Upload-Metadata: is not pairs"],
    ["filename\tYQ==", "Upload-Metadata: is not pairs"],
    ["f\u00efle YQ==", "Upload-Metadata: is not pairs"],
    [`${"k".repeat(65)} YQ==`, "Upload-Metadata: is not pairs"],
    ["filename YQ==,filename YQ==", "Upload-Metadata.filename: is given twice"],
    ["a,a", "Upload-Metadata.a: is given twice"],
    ["filename YQ", "Upload-Metadata.filename: is not Base64"],
    ["filename Y===", "Upload-Metadata.filename: is not Base64"],
    ["filename a-_b", "Upload-Metadata.filename: is not Base64"],
    ["own YQ", "Upload-Metadata.own: is not Base64"],
    [`filename ${Buffer.from([0xff]).toString("base64")}`, "Upload-Metadata.filename: is not valid UTF-8"],
    [`title ${Buffer.from([0xed, 0xa0, 0x80]).toString("base64")}`, "Upload-Metadata.title: is not valid UTF-8"],
    [`filename ${"A".repeat(4096)}`, "Upload-Metadata: is longer than 4096 characters"],
  ])("%j", (header, problem) => {
    expect(read(header)).toContain(problem);
  });
});

test("what a client encodes is what is read", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 50 });
  fc.assert(
    fc.property(fc.record({ filename: text, filetype: text, title: text, visibility: text }), (metadata) => {
      const pairs = Object.entries(metadata).map(([key, value]) => `${key} ${base64(value)}`);
      expect(read(pairs.join(","))).toEqual(metadata);
    }),
  );
});

test("whatever is sent is read or refused with a sentence", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (header) => {
      expect(["string", "object"]).toContain(typeof read(header));
    }),
  );
});
