import { clone, create, createFileRegistry, type FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { HttpRule } from "@reelmesh/proto/google/api/http.js";
import { compileRoutes, routesAt } from "../../src/json/routes.js";
import { splitPath } from "../../src/json/template.js";
import { compileLibrary, reelmesh } from "../registries.js";

const HTTP_OPTION = 72_295_728;

/** The library with one method's rule replaced. */
function libraryWith(library: FileRegistry, method: string, rule: Partial<HttpRule>): FileRegistry {
  const files = [...library.files].map(({ proto }) => clone(FileDescriptorProtoSchema, proto));
  const bytes = HttpRule.encode(HttpRule.fromPartial(rule)).finish();
  for (const service of files.flatMap((file) => file.service)) {
    const { options } = service.method.find(({ name }) => name === method) ?? {};
    if (options)
      options.$unknown = [
        { no: HTTP_OPTION, wireType: WireType.LengthDelimited, data: Uint8Array.of(bytes.length, ...bytes) },
      ];
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
}

test("every annotated method of the contracts is served", () => {
  const routes = compileRoutes(reelmesh).map(({ httpMethod, path, method }) => `${method.name} ${httpMethod} ${path}`);
  expect(routes.sort()).toEqual([
    "DeleteUpload DELETE /api/v1/{name=uploads/*}",
    "DeleteVideo DELETE /api/v1/{name=videos/*}",
    "GetPlayback GET /api/v1/{name=videos/*/playback}",
    "GetUpload GET /api/v1/{name=uploads/*}",
    "GetVideo GET /api/v1/{name=videos/*}",
    "ListUploads GET /api/v1/uploads",
    "ListVideos GET /api/v1/videos",
    "RetryVideo POST /api/v1/{name=videos/*}:retry",
    "UndeleteVideo POST /api/v1/{name=videos/*}:undelete",
    "UpdateVideo PATCH /api/v1/{video.name=videos/*}",
  ]);
});

describe("rules of the library", () => {
  const library = compileLibrary();
  const routes = compileRoutes(library);

  test("additional bindings and custom HTTP methods are routes of their own", () => {
    const names = (path: string) =>
      routesAt(routes, splitPath(path)).map(({ httpMethod, method }) => `${httpMethod} ${method.name}`);
    expect(names("/api/v1/rooms/a/books/b")).toEqual(["GET GetBook", "PATCH UpdateBook", "PUT UpdateBook"]);
    expect(names("/api/v1/books/b")).toEqual(["GET GetBook"]);
    expect(names("/api/v1/rooms/a/books")).toEqual(["GET ListBooks", "POST CreateBook", "PURGE PurgeBooks"]);
    expect(names("/api/v1/files/a/b/c")).toEqual(["GET ReadFile"]);
    expect(names("/api/v1/rooms/a/books/b:move")).toEqual(["POST MoveBook"]);
    expect(names("/api/v1/rooms/a/books/b:burn")).toEqual([]);
  });

  test.each<[string, string, Partial<HttpRule>, string]>([
    [
      "two rules that one path fits",
      "ReadFile",
      { pattern: { $case: "get", value: "/api/v1/{path=**}" } },
      "cannot be told apart",
    ],
    [
      "a variable that is no field",
      "ReadFile",
      { pattern: { $case: "get", value: "/x/{nothing}" } },
      "{nothing} is not a string field",
    ],
    [
      "a variable that is no text",
      "CreateBook",
      { pattern: { $case: "get", value: "/x/{book}" } },
      "{book} is not a string field",
    ],
    [
      "a body that is no field",
      "CreateBook",
      { pattern: { $case: "post", value: "/x" }, body: "nothing" },
      "the body nothing",
    ],
    [
      "a body that is no message",
      "CreateBook",
      { pattern: { $case: "post", value: "/x" }, body: "book_id" },
      "the body book_id",
    ],
    ["a rule without a path", "ReadFile", { body: "*" }, "it names no path"],
    ["a path that is none", "ReadFile", { pattern: { $case: "get", value: "x" } }, "is not a path template"],
  ])("%s is refused", (_, method, rule, message) => {
    expect(() => compileRoutes(libraryWith(library, method, rule))).toThrow(message);
  });
});
