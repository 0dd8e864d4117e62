import { describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileRoutes } from "../../src/json/routes.js";
import { describeApi } from "../../src/openapi/document.js";
import { compileLibrary, reelmesh } from "../registries.js";

const library = compileLibrary();
const validator = join(__dirname, "../../../node_modules/.bin/validate-api");

describe.each([
  ["reelmesh", reelmesh],
  ["library", library],
])("the description of %s", (_, contracts) => {
  test("is valid OpenAPI 3.1", () => {
    const folder = mkdtempSync(join(tmpdir(), "openapi-"));
    try {
      const file = join(folder, "openapi.json");
      writeFileSync(file, JSON.stringify(describeApi(compileRoutes(contracts))));
      const said = execFileSync(process.execPath, [validator, file], { encoding: "utf8" });
      expect(JSON.parse(said)).toEqual({ valid: true });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("names every operation once", () => {
    const routes = compileRoutes(contracts).filter(({ httpMethod }) => httpMethod !== "PURGE");
    const text = JSON.stringify(describeApi(routes));
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(routes.length);
    expect(new Set(ids).size).toBe(routes.length);
  });
});

describe("of the library", () => {
  const document = describeApi(compileRoutes(library));

  test("a query's parameters are told apart from path and body", () => {
    expect(document).toHaveProperty(
      ["paths", "/api/v1/rooms/{room}/books", "post", "parameters"],
      [
        { name: "room", in: "path", required: true, schema: { type: "string", minLength: 1 } },
        { name: "bookId", in: "query", description: "", schema: { type: "string" } },
      ],
    );
  });

  test("nested, repeated and wrapped parameters", () => {
    const at = ["paths", "/api/v1/rooms/{room}/books", "get", "parameters"];
    expect(document).toHaveProperty(
      at,
      expect.arrayContaining([
        expect.objectContaining({ name: "filter.author.givenName", schema: { type: "string" } }),
        expect.objectContaining({
          name: "filter.genres",
          schema: { type: "array", items: { type: "string", enum: ["UNSPECIFIED", "POETRY", "CRIME"] } },
        }),
        expect.objectContaining({ name: "sizeBytes", schema: expect.objectContaining({ type: "array" }) }),
        expect.objectContaining({ name: "signed", schema: { type: "boolean" } }),
        expect.objectContaining({ name: "createdAfter", schema: { type: "string", format: "date-time" } }),
      ]),
    );
    expect(JSON.stringify(document)).not.toContain("notInAQuery");
  });

  test("a body leaves out what the path says", () => {
    const schema = ["requestBody", "content", "application/json", "schema"];
    const move = ["paths", "/api/v1/rooms/{room}/books/{book}:move", "post", ...schema, "properties"];
    expect(document).toHaveProperty(move, { toRoom: { type: ["string", "null"], description: "" } });
    const update = ["paths", "/api/v1/rooms/{room}/books/{book}", "patch", ...schema, "properties"];
    expect(document).toHaveProperty(update, expect.not.objectContaining({ name: expect.anything() }));
  });
});

test("comments of the contracts are the descriptions", () => {
  const document = describeApi(compileRoutes(reelmesh));
  expect(document).toHaveProperty(
    ["paths", "/api/v1/videos/{video}", "get", "summary"],
    "Returns a video that the caller may see",
  );
  expect(document).toHaveProperty(["components", "schemas", "Video", "properties", "durationMs"], {
    type: "string",
    format: "int64",
    pattern: "^-?[0-9]+$",
    description: "Output only. 0 until it is known.",
  });
});
