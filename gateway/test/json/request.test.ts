import { fromBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { decodeRequest } from "../../src/json/request.js";
import { compileRoutes, routesAt } from "../../src/json/routes.js";
import { splitPath } from "../../src/json/template.js";
import { compileLibrary, reelmesh } from "../registries.js";

const routes = { reelmesh: compileRoutes(reelmesh), library: compileRoutes(compileLibrary()) };

/** The message, as JSON, that a request in the form `PATCH /path?query` becomes. */
function read(contracts: keyof typeof routes, asked: string, body: string | Uint8Array = ""): unknown {
  const [httpMethod, target = ""] = asked.split(" ");
  const [pathname = "", query = ""] = target.split("?");
  const path = splitPath(pathname);
  const route = routesAt(routes[contracts], path).find((candidate) => candidate.httpMethod === httpMethod);
  if (!route) throw new Error(`nothing is at ${asked}`);
  const bytes = decodeRequest(route, { path, query, body: Buffer.from(body) });
  return toJson(route.method.input, fromBinary(route.method.input, bytes));
}

function faultIn(...asked: Parameters<typeof read>): string {
  try {
    read(...asked);
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
  return "nothing";
}

describe("what can be said in a request", () => {
  test.each<[string, string, unknown]>([
    ["GET /api/v1/videos/abc", "", { name: "videos/abc" }],
    ["GET /api/v1/videos", "", {}],
    [
      "GET /api/v1/videos?pageSize=5&show_deleted=true&owner=users%2Fa",
      "",
      { pageSize: 5, showDeleted: true, owner: "users/a" },
    ],
    ["GET /api/v1/videos?pageToken=a+b%2Bc%3D&", "", { pageToken: "a b+c=" }],
    ["GET /api/v1/videos?pageToken", "", {}],
    ["GET /api/v1/videos?pageToken=%EF%BB%BFa%00b", "", { pageToken: "\uFEFFa\0b" }],
    ["DELETE /api/v1/videos/a?etag=%22x%22", "", { name: "videos/a", etag: '"x"' }],
    [
      "PATCH /api/v1/videos/a?updateMask=title,visibility",
      '{"title":"t","visibility":"PUBLIC"}',
      { video: { name: "videos/a", title: "t", visibility: "PUBLIC" }, updateMask: "title,visibility" },
    ],
    [
      "PATCH /api/v1/videos/a?update_mask=failureReason",
      "{}",
      { video: { name: "videos/a" }, updateMask: "failureReason" },
    ],
    [
      "PATCH /api/v1/videos/a",
      '{"visibility":"VISIBILITY_PUBLIC","size_bytes":"9007199254740993"}',
      { video: { name: "videos/a", visibility: "PUBLIC", sizeBytes: "9007199254740993" } },
    ],
    ["PATCH /api/v1/videos/a", '{"name":"videos/a","title":null}', { video: { name: "videos/a" } }],
    ["PATCH /api/v1/videos/a", "", { video: { name: "videos/a" } }],
    ["POST /api/v1/videos/a:undelete", "{}", { name: "videos/a" }],
    ["POST /api/v1/videos/a:undelete", "", { name: "videos/a" }],
    ["POST /api/v1/videos/a:undelete", '\uFEFF{"name":"videos/a"}', { name: "videos/a" }],
  ])("%s %s", (asked, body, message) => {
    expect(read("reelmesh", asked, body)).toEqual(message);
  });

  test.each<[string, string, unknown]>([
    [
      "filter.author.given_name=Ann&filter.author.yearOfBirth=0",
      "",
      { filter: { author: { givenName: "Ann", yearOfBirth: 0 } } },
    ],
    [
      "filter.genres=POETRY&filter.genres=GENRE_CRIME&filter.either.genres=CRIME",
      "",
      { filter: { genres: ["POETRY", "CRIME"], either: { genres: ["CRIME"] } } },
    ],
    ["sizeBytes=1&size_bytes=-9223372036854775808", "", { sizeBytes: ["1", "-9223372036854775808"] }],
    ["atLeastPages=0&signed=false", "", { atLeastPages: 0, signed: false }],
    [
      "createdAfter=2025-01-31T12:00:00.5%2B09:00&youngerThan=1.5s",
      "",
      { createdAfter: "2025-01-31T03:00:00.500Z", youngerThan: "1.500s" },
    ],
    [
      "cursor=_-8&weightKg=1.5&atMostBytes=18446744073709551615",
      "",
      { cursor: "/+8=", weightKg: 1.5, atMostBytes: "18446744073709551615" },
    ],
  ])("GET books?%s", (query, body, message) => {
    expect(read("library", `GET /api/v1/rooms/a/books?${query}`, body)).toEqual({
      parent: "rooms/a",
      ...Object(message),
    });
  });

  test("a body and a query together", () => {
    expect(
      read("library", "POST /api/v1/rooms/a/books?bookId=b", '{"title":"t","authors":[{"givenName":"Ann"}]}'),
    ).toEqual({
      parent: "rooms/a",
      bookId: "b",
      book: { title: "t", authors: [{ givenName: "Ann" }] },
    });
  });

  test("a whole body beside a nested name in the path", () => {
    expect(read("library", "PUT /api/v1/rooms/a/books/b", '{"book":{"title":"t"},"updateMask":"title"}')).toEqual({
      book: { name: "rooms/a/books/b", title: "t" },
      updateMask: "title",
    });
  });
});

describe("what is refused, by name", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["GET /api/v1/videos?nothing=1", "", "nothing: is not a parameter here"],
    ["GET /api/v1/videos?__proto__=1", "", "__proto__: is not a parameter here"],
    ["GET /api/v1/videos?constructor.prototype.x=1", "", "constructor.prototype.x: is not a parameter here"],
    ["GET /api/v1/videos?owner.x=1", "", "owner.x: is not a parameter here"],
    ["GET /api/v1/videos?=1", "", "query: is not a parameter here"],
    ["GET /api/v1/videos?pageSize=1&page_size=1", "", "page_size: is given more than once"],
    ["GET /api/v1/videos?pageSize=", "", "pageSize: has to be a whole number of 32 bits"],
    ["GET /api/v1/videos?pageSize=1.5", "", "pageSize: has to be a whole number of 32 bits"],
    ["GET /api/v1/videos?pageSize=0x10", "", "pageSize: has to be a whole number of 32 bits"],
    ["GET /api/v1/videos?pageSize=2147483648", "", "pageSize: has to be a whole number of 32 bits"],
    [`GET /api/v1/videos?pageSize=${"9".repeat(5000)}`, "", "pageSize: has to be a whole number of 32 bits"],
    ["GET /api/v1/videos?showDeleted=1", "", "showDeleted: has to be true or false"],
    ["GET /api/v1/videos?owner=%FF", "", "owner: is not percent-encoded UTF-8"],
    ["GET /api/v1/videos?owner=%ED%A0%80", "", "owner: is not percent-encoded UTF-8"],
    ["GET /api/v1/videos?owner=%", "", "owner: is not percent-encoded UTF-8"],
    ["GET /api/v1/videos?%FF=a", "", "query: is not percent-encoded UTF-8"],
    ["GET /api/v1/videos/%FF", "", "name: is not percent-encoded UTF-8"],
    ["GET /api/v1/videos/a?name=videos/b", "", "name: is not a parameter here"],
    ["GET /api/v1/videos/a", "{}", "body: has to be empty"],
    ["PATCH /api/v1/videos/a?video.title=b", "{}", "video.title: is not a parameter here"],
    [
      "PATCH /api/v1/videos/a?updateMask=failure_reason",
      "{}",
      "updateMask: has to be names of fields, separated by commas",
    ],
    ["PATCH /api/v1/videos/a", "{", "body: has to be a JSON object"],
    ["PATCH /api/v1/videos/a", "[]", "body: has to be a JSON object"],
    ["PATCH /api/v1/videos/a", "null", "body: has to be a JSON object"],
    ["PATCH /api/v1/videos/a", Uint8Array.of(0x7b, 0xff, 0x7d), "body: has to be text in UTF-8"],
    ["PATCH /api/v1/videos/a", '{"nothing":1}', "nothing: is unknown"],
    ["PATCH /api/v1/videos/a", '{"__proto__":{"title":"t"}}', "__proto__: is unknown"],
    ["PATCH /api/v1/videos/a", '{"title":"a","title":"b"}', "title: is given more than once"],
    ["PATCH /api/v1/videos/a", '{"sizeBytes":"1","size_bytes":"1"}', "size_bytes: is given more than once"],
    ["PATCH /api/v1/videos/a", '{"title":5}', "title: has to be text in UTF-8"],
    ["PATCH /api/v1/videos/a", '{"title":"\\ud800"}', "title: has to be text in UTF-8"],
    ["PATCH /api/v1/videos/a", '{"tags":"a"}', "tags: has to be a list"],
    ["PATCH /api/v1/videos/a", '{"tags":["a",5]}', "tags[1]: has to be text in UTF-8"],
    [
      "PATCH /api/v1/videos/a",
      '{"visibility":"SECRET"}',
      "visibility: has to be one of UNSPECIFIED, PUBLIC, UNLISTED, MEMBERS, PRIVATE",
    ],
    ["PATCH /api/v1/videos/a", '{"playable":"true"}', "playable: has to be true or false"],
    ["PATCH /api/v1/videos/a", '{"width":2147483648}', "width: has to be a whole number of 32 bits"],
    ["PATCH /api/v1/videos/a", '{"sizeBytes":"9223372036854775808"}', "sizeBytes: has to be a whole number of 64 bits"],
    ["PATCH /api/v1/videos/a", '{"sizeBytes":1.5}', "sizeBytes: has to be a whole number of 64 bits"],
    [
      "PATCH /api/v1/videos/a",
      '{"createTime":"yesterday"}',
      "createTime: has to be a time by RFC 3339, such as 2025-01-31T12:00:00Z",
    ],
    ["PATCH /api/v1/videos/a", '{"name":"videos/b"}', "video.name: differs from the path"],
    ["POST /api/v1/videos/a:undelete?name=videos/a", "{}", "name: is not a parameter here"],
    ["POST /api/v1/videos/a:undelete", '{"name":"videos/b"}', "name: differs from the path"],
  ])("%s %s", (asked, body, sentence) => {
    expect(faultIn("reelmesh", asked, body)).toBe(sentence);
  });

  test.each([
    ["GET /api/v1/rooms/a/books?filter=x", "", "filter: is not a parameter here"],
    ["GET /api/v1/rooms/a/books?notInAQuery=x", "", "notInAQuery: is not a parameter here"],
    ["GET /api/v1/rooms/a/books?sizeBytes=1&sizeBytes=b", "", "sizeBytes: has to be a whole number of 64 bits"],
    ["GET /api/v1/rooms/a/books?filter.genres=1", "", "filter.genres: has to be one of UNSPECIFIED, POETRY, CRIME"],
    ["GET /api/v1/rooms/a/books?atMostBytes=-1", "", "atMostBytes: has to be a whole number of 64 bits, not below 0"],
    ["GET /api/v1/rooms/a/books?signed=yes", "", "signed: has to be true or false"],
    ["GET /api/v1/rooms/a/books?cursor=*", "", "cursor: has to be bytes in base64"],
    ["GET /api/v1/rooms/a/books?weightKg=heavy", "", "weightKg: has to be a number"],
    ["GET /api/v1/rooms/a/books?youngerThan=5", "", "youngerThan: has to be a duration in seconds, such as 1.5s"],
    ["POST /api/v1/rooms/a/books", '{"authors":[{},{"givenName":1}]}', "authors[1].givenName: has to be text in UTF-8"],
    ["POST /api/v1/rooms/a/books", '{"authors":[{"age":1}]}', "authors[0].age: is unknown"],
    ["POST /api/v1/rooms/a/books", '{"authors":[null]}', "authors[0]: has to be an object"],
    ["POST /api/v1/rooms/a/books", '{"copies":{"a":"x"}}', "copies.a: has to be a whole number of 32 bits"],
    ["POST /api/v1/rooms/a/books", '{"copies":[]}', "copies: has to be an object"],
    ["POST /api/v1/rooms/a/books", '{"person":"a","branch":1}', "branch: cannot be given together with person"],
    [
      "PUT /api/v1/rooms/a/books/b",
      '{"book":{"pages":-1}}',
      "book.pages: has to be a whole number of 32 bits, not below 0",
    ],
    ["PUT /api/v1/rooms/a/books/b", '{"book":{"name":"rooms/a/books/c"}}', "book.name: differs from the path"],
  ])("%s %s", (asked, body, sentence) => {
    expect(faultIn("library", asked, body)).toBe(sentence);
  });

  test("nested deeper than anybody needs", () => {
    const deep = '{"a":'.repeat(30_000) + "1" + "}".repeat(30_000);
    expect(faultIn("library", "POST /api/v1/rooms/a/books", `{"extra":${deep}}`)).toBe("extra: has to be an object");
    expect(Object.keys({})).toEqual([]);
  });
});
