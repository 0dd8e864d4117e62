import {
  create,
  equals,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type FileRegistry,
  type JsonObject,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { assign, isObject } from "../../src/json/query.js";
import { fieldsAlong } from "../../src/json/fields.js";
import { compileRoutes, type Route } from "../../src/json/routes.js";
import { startEdge, type Asked, type Edge } from "../edge.js";
import { compileLibrary, reelmesh } from "../registries.js";
import { arbitraryJson, arbitraryName } from "./arbitrary.js";

/** What a client by google/api/http.proto makes of a message. */
function asRequest(route: Route, message: Message): Asked {
  const json = toJson(route.method.input, message);
  if (!isObject(json)) throw new Error("a request is an object");
  const taken = (name: string): JsonValue | undefined => {
    const path = fieldsAlong(route.method.input, name) ?? [];
    const last = path.at(-1);
    let within: JsonObject = json;
    for (const { jsonName } of path.slice(0, -1)) within = objectOf(within[jsonName]);
    const value = last && within[last.jsonName];
    if (last) Reflect.deleteProperty(within, last.jsonName);
    return value;
  };
  const path = route.path.replace(/\{([\w.]+)(?:=([^}]*))?\}/g, (_, name: string, pattern = "*") => {
    const value = textOf(taken(name));
    return pattern === "*" ? encodeURIComponent(value) : value.split("/").map(encodeURIComponent).join("/");
  });
  const body =
    route.body.kind === "whole" ? json : route.body.kind === "field" ? taken(route.body.field.name) : undefined;
  const query =
    route.body.kind === "whole"
      ? ""
      : pairsOf(json)
          .map((pair) => pair.map(encodeURIComponent).join("="))
          .join("&");
  return {
    method: route.httpMethod,
    path: `${path}${query === "" ? "" : `?${query}`}`,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  };
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

function pairsOf(json: JsonObject, within = ""): readonly [string, string][] {
  return Object.entries(json).flatMap(([name, value]): readonly [string, string][] => {
    if (isObject(value)) return [...pairsOf(value, `${within}${name}.`)];
    return (Array.isArray(value) ? value : [value]).map((item) => [`${within}${name}`, textOf(item)]);
  });
}

/** A message that a request can say: names where the path has them, no maps or lists of messages in the query. */
function arbitraryRequest(route: Route): fc.Arbitrary<Message> {
  const { input } = route.method;
  const variables = [...route.path.matchAll(/\{([\w.]+)(?:=([^}]*))?\}/g)];
  const names = fc.tuple(...variables.map(([, , pattern = "*"]) => arbitraryName(pattern)));
  return fc.tuple(arbitraryJson(input), names).map(([any, values]) => {
    const json = objectOf(any);
    if (route.body.kind !== "whole") delete json.notInAQuery;
    variables.forEach(([, name = ""], index) => {
      assign(json, fieldsAlong(input, name) ?? [], values[index] ?? "");
    });
    const bodyName = route.body.kind === "field" ? route.body.field.jsonName : undefined;
    const sayable = Object.entries(json).filter(([name, value]) => name === bodyName || !isEmpty(value));
    return fromJson(input, route.body.kind === "whole" ? json : Object.fromEntries(sayable.map(pruned)));
  });

  function pruned([name, value]: [string, JsonValue]): [string, JsonValue] {
    const isBody = route.body.kind === "field" && name === route.body.field.jsonName;
    return [name, isBody ? value : prune(value)];
  }
}

/** Without the empty messages that a query cannot say. */
function prune(value: JsonValue): JsonValue {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]): [string, JsonValue] => [name, prune(inner)])
      .filter(([, inner]) => !isEmpty(inner)),
  );
}

function isEmpty(value: JsonValue): boolean {
  return isObject(value) && Object.values(value).every(isEmpty);
}

/** Presence of a message that holds only defaults cannot be said in a query: compare what JSON says. */
function said(input: DescMessage, message: Message): JsonValue {
  return prune(toJson(input, message));
}

const RUNS = { numRuns: 60, seed: 20_250_131 };

describe.each<[string, FileRegistry]>([
  ["reelmesh", reelmesh],
  ["library", compileLibrary()],
])("the routes of %s", (_, contracts) => {
  let edge: Edge;
  let answer: Uint8Array = new Uint8Array();
  beforeAll(async () => {
    edge = await startEdge({ contracts, answer: async () => answer });
  });
  afterEach(() => {
    answer = new Uint8Array();
  });
  afterAll(() => edge.stop());

  test.each(compileRoutes(contracts).map((route) => [`${route.httpMethod} ${route.path}`, route] as const))(
    "%s says every message",
    async (_name, route) => {
      const { input } = route.method;
      await fc.assert(
        fc.asyncProperty(arbitraryRequest(route), async (message) => {
          edge.calls.length = 0;
          const answer = await edge.ask(asRequest(route, message));
          expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: "{}" });
          const [call] = edge.calls;
          const arrived = fromBinary(input, call?.bytes ?? new Uint8Array());
          expect(said(input, arrived)).toEqual(said(input, message));
          if (route.body.kind === "whole") expect(equals(input, arrived, message)).toBe(true);
        }),
        RUNS,
      );
    },
  );

  const outputs = new Map(compileRoutes(contracts).map((route) => [route.method.output.typeName, route] as const));
  test.each([...outputs])("every %s is answered in proto3 JSON", async (_name, route) => {
    const { output } = route.method;
    const template = fc.sample(arbitraryRequest(route), { numRuns: 1, seed: RUNS.seed });
    const asked = asRequest(route, template[0] ?? create(route.method.input));
    await fc.assert(
      fc.asyncProperty(arbitraryJson(output), async (json) => {
        const message = fromJson(output, json);
        answer = toBinary(output, message);
        const { status, headers, text } = await edge.ask(asked);
        expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" });
        expect(JSON.parse(text)).toEqual(toJson(output, message));
      }),
      RUNS,
    );
  });
});
