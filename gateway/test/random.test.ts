import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DomainError } from "@reelmesh/mesh/errors.js";
import fc from "fast-check";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compileRoutes } from "../src/json/routes.js";
import { startEdge, type Asked, type Edge } from "./edge.js";
import { compileLibrary } from "./registries.js";

const library = compileLibrary();
const REQUESTS = 10_000;

let edge: Edge;
beforeAll(async () => {
  let count = 0;
  edge = await startEdge({
    contracts: library,
    answer: async () => {
      if (count++ % 3 === 0) throw new DomainError("RESOURCE_NOT_FOUND", { resource: "it" });
      return new Uint8Array();
    },
  });
});
afterAll(() => edge.stop());

/** Bytes that a request's head may hold, those that mean something in a path more often. */
const bytes = fc.string({
  unit: fc.oneof(
    fc.constantFrom("/", "%", "..", ":", "?", "&", "=", "+", "%00", "%2F", "%2e", "%FF", "%ED%A0%80", "%", "__proto__"),
    fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 20,
});

const names = [...library]
  .filter((type) => type.kind === "message")
  .flatMap(({ fields }) => fields.flatMap(({ name, jsonName }) => [name, jsonName]));
const name = fc.oneof(fc.constantFrom(...names, "filter.author.given_name", "constructor", "__proto__"), bytes);

/** A route's path, its variables filled in with what fits, or with anything. */
const filled = fc
  .tuple(
    fc.constantFrom(...compileRoutes(library).map((route) => route.path)),
    fc.infiniteStream(fc.oneof({ weight: 4, arbitrary: fc.constant("a") }, bytes)),
  )
  .map(([template, fill]) =>
    template
      .replace(/\{[\w.]+(?:=([^}]*))?\}/g, (_, pattern?: string) => pattern ?? "*")
      .replace(/\*+/g, () => String(fill.next().value)),
  );

const path = fc.oneof(
  { weight: 4, arbitrary: filled },
  bytes.map((rest) => `/api/v1/rooms/a/books/${rest}`),
  bytes.map((rest) => `/api/${rest}`),
  bytes.map((rest) => `/${rest}`),
  bytes,
);

const query = fc
  .array(fc.tuple(name, fc.oneof(bytes, fc.integer().map(String), fc.constantFrom("true", "POETRY", ""))), {
    maxLength: 4,
  })
  .map((pairs) => pairs.map((pair) => pair.join("=")).join("&"));

const body = fc.oneof(
  fc.constant(""),
  fc.dictionary(name, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 }).map((json) => JSON.stringify(json)),
  fc.json(),
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 64 }),
);

const header = fc.tuple(
  fc.constantFrom(
    "accept",
    "content-encoding",
    "cookie",
    "host",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-range",
    "if-unmodified-since",
    "origin",
    "range",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-http-method-override",
    "x-request-id",
  ),
  fc.oneof(
    bytes,
    fc.constantFrom(
      "*",
      "none",
      "null",
      "gzip",
      "bytes=0-",
      "bytes=9-1",
      "http://localhost",
      "Thu, 01 Jan 1970 00:00:00 GMT",
    ),
  ),
);

const headers = fc
  .tuple(fc.array(header, { maxLength: 2 }), fc.constantFrom("application/json", "application/json", "text/plain", "%"))
  .map(([pairs, type]): Record<string, string> => ({ "content-type": type, ...Object.fromEntries(pairs) }));

const method = fc.constantFrom(
  "GET",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PURGE",
  "TRACE",
  "SEARCH",
);

const asked: fc.Arbitrary<Asked> = fc.record({
  method,
  path: fc.tuple(path, query).map(([at, pairs]) => (pairs === "" ? at || "/" : `${at || "/"}?${pairs}`)),
  headers,
  body,
});

/** What is still in use once everything unused is gone. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}

test(`${REQUESTS} random requests: no 5xx, nothing unforeseen, memory flat`, async () => {
  const seen = new Map<number, number>();
  let warm = 0;
  let count = 0;
  await fc.assert(
    fc.asyncProperty(asked, async (request) => {
      const { status, text } = await edge.ask(request);
      expect(status).toBeLessThan(500);
      if (status !== 200 && text !== "") expect(JSON.parse(text)).toMatchObject({ status });
      seen.set(status, (seen.get(status) ?? 0) + 1);
      edge.calls.length = 0;
      if (++count === 2_000) warm = heapUsed();
    }),
    { numRuns: REQUESTS, seed: 20_250_131 },
  );
  expect(edge.logged).toEqual([]);
  // Random requests that never reached a service would prove little.
  for (const status of [200, 400, 403, 404, 405, 415, 421]) expect(seen.get(status)).toBeGreaterThan(20);
  expect(heapUsed() - warm).toBeLessThan(8 * 1024 * 1024);
}, 300_000);
