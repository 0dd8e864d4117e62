import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { validateHeaderValue } from "node:http";
import { typeHeaders } from "../../src/media/media-type.js";

describe("what a browser may show", () => {
  test.each(["video/mp4", "video/webm", "audio/mpeg", "image/webp"])("%s keeps its type", (type) => {
    expect(typeHeaders(type, "a.mp4")).toEqual({ "content-type": type });
  });

  test.each([
    "text/html",
    "text/plain",
    "image/svg+xml",
    "application/xhtml+xml",
    "application/pdf",
    "application/x-shockwave-flash",
    "video/mp4; charset=utf-8",
    "video/mp4\r\nx: y",
    " video/mp4",
    "VIDEO/MP4",
    "video/x-unheard-of",
    "",
  ])("%j is for downloading", (type) => {
    expect(typeHeaders(type, "a.bin")).toEqual({
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="a.bin"; filename*=UTF-8''a.bin`,
    });
  });
});

describe("a file's name (RFC 6266, RFC 8187)", () => {
  const disposition = (filename: string) => typeHeaders("text/html", filename)["content-disposition"];
  test.each([
    ["mein film.mkv", `attachment; filename="mein film.mkv"; filename*=UTF-8''mein%20film.mkv`],
    ["фильм.mkv", `attachment; filename="_____.mkv"; filename*=UTF-8''%D1%84%D0%B8%D0%BB%D1%8C%D0%BC.mkv`],
    ["映画", `attachment; filename="__"; filename*=UTF-8''%E6%98%A0%E7%94%BB`],
    ["🎬.mp4", `attachment; filename="__.mp4"; filename*=UTF-8''%F0%9F%8E%AC.mp4`],
    [`a"b.mp4`, `attachment; filename="a_b.mp4"; filename*=UTF-8''a%22b.mp4`],
    ["100%.mp4", `attachment; filename="100_.mp4"; filename*=UTF-8''100%25.mp4`],
    ["it's (1)*!.mp4", `attachment; filename="it's (1)*!.mp4"; filename*=UTF-8''it%27s%20%281%29%2A%21.mp4`],
    ["a\r\nSet-Cookie: b", `attachment; filename="a__Set-Cookie: b"; filename*=UTF-8''a__Set-Cookie%3A%20b`],
    ["../../etc/passwd", `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''.._.._etc_passwd`],
    ["a\\b\0c", `attachment; filename="a_b_c"; filename*=UTF-8''a_b_c`],
    ["half \ud83c", `attachment; filename="half _"; filename*=UTF-8''half%20_`],
    ["", `attachment; filename="video"; filename*=UTF-8''video`],
  ])("%j", (filename, expected) => {
    expect(disposition(filename)).toBe(expected);
  });
});

test("whatever an uploader says, the headers are well-formed, and nothing but media has a type", () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom("\r", "\n", '"', "\\", "\0", "\ud800"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(fc.oneof(text, fc.constantFrom("text/html", "video/mp4")), text, (type, filename) => {
      const headers = typeHeaders(type, filename);
      for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
      expect(headers["content-type"]).toMatch(/^(?:(?:video|audio|image)\/[a-z0-9-]+|application\/octet-stream)$/);
      const [, ascii, encoded] =
        /^attachment; filename="([ !#-[\]-~]*)"; filename\*=UTF-8''((?:[\w.~-]|%[0-9A-F]{2})*)$/.exec(
          headers["content-disposition"] ?? `attachment; filename=""; filename*=UTF-8''`,
        ) ?? [];
      expect(ascii).toBeDefined();
      expect(() => decodeURIComponent(encoded ?? "%")).not.toThrow();
    }),
  );
});
