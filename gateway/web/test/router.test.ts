import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseRoute, parseStart, watchPath } from "../src/router.js";

describe("parseRoute", () => {
  test.each([
    ["/", { page: "library" }],
    ["/?x=1", { page: "library" }],
    ["/watch/abc123", { page: "watch", id: "abc123", startSeconds: 0 }],
    ["/watch/abc123/", { page: "watch", id: "abc123", startSeconds: 0 }],
    ["/watch/abc123?t=1m5s", { page: "watch", id: "abc123", startSeconds: 65 }],
    ["/watch", { page: "missing" }],
    ["/watch/", { page: "missing" }],
    ["/watch/a/b", { page: "missing" }],
    ["/watch/..%2f", { page: "missing" }],
    ["/nowhere", { page: "missing" }],
  ])("%p", (url, route) => {
    expect(parseRoute(url)).toEqual(route);
  });
});

describe("parseStart", () => {
  test.each([
    ["83", 83],
    ["83s", 83],
    ["1m23s", 83],
    ["1h2m3s", 3723],
    ["2m0", 120],
    ["", 0],
    [null, 0],
    ["-5", 0],
    ["1e9", 0],
    ["soon", 0],
  ])("%p is second %p", (value, second) => {
    expect(parseStart(value)).toBe(second);
  });
});

test("a path leads back to what it was made of", () => {
  const ids = fc.string({ unit: fc.constantFrom("a", "Z", "0", "9", "q"), minLength: 1, maxLength: 21 });
  fc.assert(
    fc.property(ids, fc.double({ min: 0, max: 1e5, noNaN: true }), (id, seconds) => {
      const route = { page: "watch", id, startSeconds: Math.floor(seconds) };
      expect(parseRoute(watchPath(id, seconds))).toEqual(route);
    }),
  );
});
