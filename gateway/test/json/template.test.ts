import { describe, expect, test } from "@jest/globals";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import fc from "fast-check";
import { matches, overlap, parseTemplate, splitPath, variablesOf } from "../../src/json/template.js";

const read = (template: string, path: string) => {
  const [parsed, split] = [parseTemplate(template), splitPath(path)];
  return matches(parsed, split) ? Object.fromEntries(variablesOf(parsed, split)) : undefined;
};

describe("a template", () => {
  test.each([
    ["/v1/videos", "/v1/videos", {}],
    ["/v1/videos", "/v1/vide%6Fs", {}],
    ["/v1/videos", "/v1/videos/", undefined],
    ["/v1/videos", "/v1", undefined],
    ["/v1/videos", "/v1/videos:list", undefined],
    ["/v1/{name=videos/*}", "/v1/videos/a", { name: "videos/a" }],
    ["/v1/{name=videos/*}", "/v1/videos/", undefined],
    ["/v1/{name=videos/*}", "/v1/videos/a/b", undefined],
    ["/v1/{name=videos/*}", "/v1/videos/a:undelete", undefined],
    ["/v1/{name=videos/*}", "/v1/videos/a%3Aundelete", { name: "videos/a:undelete" }],
    ["/v1/{name=videos/*}", "/v1/videos/a%2fb", { name: "videos/a%2fb" }],
    ["/v1/{name=videos/*}", "/v1/videos/%ED%95%9C", { name: "videos/한" }],
    ["/v1/{name=videos/*}:undelete", "/v1/videos/a:undelete", { name: "videos/a" }],
    ["/v1/{name=videos/*}:undelete", "/v1/videos/a", undefined],
    ["/v1/{name}", "/v1/a%2Fb", { name: "a/b" }],
    ["/v1/{video.name=videos/*}/x/{other}", "/v1/videos/a/x/b", { "video.name": "videos/a", other: "b" }],
    ["/v1/{name=videos/*/playback}", "/v1/videos/a/playback", { name: "videos/a/playback" }],
    ["/v1/{path=**}", "/v1/a/b%2Fc", { path: "a/b%2Fc" }],
    ["/v1/{path=**}", "/v1", { path: "" }],
    ["/v1/*/b", "/v1/a/b", {}],
  ])("%s at %s gives %j", (template, path, variables) => {
    expect(read(template, path)).toEqual(variables);
  });

  test.each(["", "v1", "/", "/v1/", "/v1/{}", "/v1/{a=}", "/v1/{a=b{c}}", "/**/v1", "/v1/{a=**}/b", "/v1/a b", "/v1:"])(
    "%j is refused",
    (text) => {
      expect(() => parseTemplate(text)).toThrow("is not a path template");
    },
  );

  test.each(["/v1/videos/%", "/v1/videos/%f", "/v1/videos/%FF", "/v1/videos/%C0%AF", "/v1/videos/a%ED%A0%80"])(
    "%s is not UTF-8, which is said of the variable",
    (path) => {
      const refused = expect(() => read("/v1/{name=videos/*}", path));
      refused.toThrow(
        expect.objectContaining({ reason: "INVALID_FIELD", metadata: expect.objectContaining({ field: "name" }) }),
      );
    },
  );
});

test("what is put in place of a variable comes out of it again", () => {
  const segment = fc.string({ unit: "binary", minLength: 1 }).filter((text) => !text.includes("/"));
  fc.assert(
    fc.property(segment, segment, (a, b) => {
      const path = `/v1/rooms/${encodeURIComponent(a)}/books/${encodeURIComponent(b)}`;
      expect(read("/v1/{name=rooms/*/books/*}", path)).toEqual({ name: `rooms/${a}/books/${b}` });
      expect(read("/v1/rooms/{room}/books/{book}", path)).toEqual({ room: a, book: b });
    }),
  );
});

test("no path whatsoever makes a template throw anything but a domain error", () => {
  const template = parseTemplate("/v1/{name=videos/*}:undelete");
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      const path = splitPath(`/v1/videos/${text}`);
      try {
        if (matches(template, path)) variablesOf(template, path);
      } catch (error) {
        expect(isDomainError(error, "INVALID_FIELD")).toBe(true);
      }
    }),
  );
});

test("templates overlap exactly when a path fits both", () => {
  const segment = fc.constantFrom("*", "a", "b");
  const template = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([segments, open]) => parseTemplate(`/${[...segments, ...(open ? ["**"] : [])].join("/")}`));
  const paths = ["a", "b", "c"].flatMap((a) => [a, ...["a", "b", "c"].flatMap((b) => [`${a}/${b}`])]);
  const all = [...paths, ...paths.flatMap((path) => [`${path}/a`, `${path}/b`, `${path}/c`, `${path}/a/a/a`])];
  fc.assert(
    fc.property(template, template, (a, b) => {
      const both = all.some((path) => matches(a, splitPath(`/${path}`)) && matches(b, splitPath(`/${path}`)));
      expect(overlap(a, b)).toBe(both);
    }),
  );
});
