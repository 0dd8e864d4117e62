import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { checkRequest, isAllowedHost } from "../src/guard.js";
import { EdgeError } from "../src/problem.js";

const ALLOWED = ["reelmesh.example", "videos.example:8443"];

/** What is said of a request with these headers, each `Name: value`. */
function verdict(method: string, headers: readonly string[], url = "/api/v1/videos"): string {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = url;
  for (const header of headers) {
    const [name = "", ...value] = header.split(": ");
    // What Node's parser keeps: the first for most names, and all of them apart.
    request.headers[name] ??= value.join(": ");
    (request.headersDistinct[name] ??= []).push(value.join(": "));
  }
  try {
    checkRequest(request, ALLOWED);
    return "passes";
  } catch (error) {
    if (error instanceof EdgeError) return error.reason;
    throw error;
  }
}

describe("the host", () => {
  test.each([
    ["localhost", true],
    ["LOCALHOST:8080", true],
    ["web.localhost:8080", true],
    ["127.0.0.1:8080", true],
    ["127.1.2.3", true],
    ["[::1]:8080", true],
    ["reelmesh.example", true],
    ["Reelmesh.Example:1234", true],
    ["videos.example:8443", true],
    ["videos.example", false],
    ["videos.example:443", false],
    ["evil.example", false],
    ["localhost.evil.example", false],
    ["127.0.0.1.evil.example", false],
    ["evil-reelmesh.example", false],
    ["192.168.1.5:8080", false],
    ["[::2]", false],
    ["", false],
    [":8080", false],
    ["localhost:", false],
    ["localhost:8080:1", false],
    ["localhost/evil", false],
    ["evil@localhost", false],
    ["localhost,evil.example", false],
    ["localhost.", false],
  ])("%s: %p", (host, allowed) => {
    expect(isAllowedHost(host, ALLOWED)).toBe(allowed);
    expect(verdict("GET", [`host: ${host}`])).toBe(allowed ? "passes" : "HOST_NOT_SERVED");
  });

  test("has to be there, once", () => {
    expect(verdict("GET", [])).toBe("HOST_NOT_SERVED");
    expect(verdict("GET", ["host: localhost", "host: localhost"])).toBe("HOST_NOT_SERVED");
  });

  test("no name of somebody else's passes", () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 65_535 }), (domain, port) => {
        expect(isAllowedHost(`${domain}:${port}`, ALLOWED)).toBe(false);
      }),
    );
  });
});

describe("a write", () => {
  const host = "host: localhost:8080";
  test.each<[string, readonly string[]]>([
    ["passes", [host]],
    ["passes", [host, "origin: http://localhost:8080"]],
    ["passes", [host, "origin: null", "sec-fetch-site: same-origin"]],
    ["passes", [host, "sec-fetch-site: none"]],
    ["passes", ["host: reelmesh.example", "origin: https://reelmesh.example"]],
    ["passes", ["host: reelmesh.example:443", "origin: https://reelmesh.example"]],
    ["passes", ["host: reelmesh.example", "origin: http://reelmesh.example"]],
    ["passes", ["host: REELMESH.example", "origin: https://reelmesh.example"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: http://localhost:3000"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: http://localhost"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: http://127.0.0.1:8080"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: https://evil.example"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: null"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: "]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: localhost:8080"]],
    ["ORIGIN_NOT_ALLOWED", [host, "origin: ftp://localhost:8080"]],
    ["ORIGIN_NOT_ALLOWED", [host, "sec-fetch-site: cross-site"]],
    ["ORIGIN_NOT_ALLOWED", [host, "sec-fetch-site: same-site", "origin: http://localhost:8080"]],
    ["HOST_NOT_SERVED", ["host: evil.example", "origin: http://evil.example", "sec-fetch-site: same-origin"]],
  ])("%s with %j", (said, headers) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"]) expect(verdict(method, headers)).toBe(said);
  });

  test("only: reads from other pages change nothing", () => {
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      expect(verdict(method, [host, "origin: https://evil.example", "sec-fetch-site: cross-site"])).toBe("passes");
    }
  });
});

describe("the target", () => {
  test.each(["", "*", "api", "http://localhost/api", "/a b", "/a\0", "/é", "/a#b", "/a\x7f"])(
    "%j is malformed",
    (url) => {
      expect(verdict("GET", ["host: localhost"], url)).toBe("MALFORMED_TARGET");
    },
  );

  test.each(["/", "//evil.example/", "/..%2f?x=%", '/"<>[]{}|\\^`'])("%j is a path", (url) => {
    expect(verdict("GET", ["host: localhost"], url)).toBe("passes");
  });

  test("* asks for the options of the server", () => {
    expect(verdict("OPTIONS", ["host: localhost"], "*")).toBe("passes");
  });
});
