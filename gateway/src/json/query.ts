import { ScalarType, type DescField, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { expectationOfValue, fieldsAlong, hasOwnJson, pathOf } from "./fields.js";
import type { Route } from "./routes.js";
import { decodePercent } from "./template.js";

/** Messages that proto3 JSON writes as one text. */
const TEXT_MESSAGES: ReadonlySet<string> = new Set(
  ["Timestamp", "Duration", "FieldMask"].map((name) => `google.protobuf.${name}`),
);

/**
 * Reads a query as proto3 JSON, to be merged into the request: `video.title=…` is nested, a repeated field may come
 * several times, and names may be spelt as in the contract or as in JSON.
 *
 * @param query - what follows the question mark, still percent-encoded.
 * @throws DomainError INVALID_FIELD naming the parameter.
 */
export function readQuery(route: Route, query: string): JsonObject {
  const given = new Map<string, { fields: readonly DescField[]; value: JsonValue }>();
  for (const [name, text] of pairsOf(query)) {
    const fields = isInQuery(route, name) ? fieldsAlong(route.method.input, name) : undefined;
    const field = fields?.at(-1);
    if (!fields || !field || !isTextual(field)) throw invalid(name || "query", "is not a parameter here");
    const value = readText(field, text, name);
    const path = pathOf(fields);
    const before = given.get(path);
    if (before && field.fieldKind !== "list") throw invalid(name, "is given more than once");
    given.set(path, { fields, value: field.fieldKind === "list" ? [...listOf(before?.value), value] : value });
  }
  const json: JsonObject = {};
  for (const { fields, value } of given.values()) assign(json, fields, value);
  return json;
}

/** Sets a nested value, making the objects on the way. */
export function assign(json: JsonObject, fields: readonly DescField[], value: JsonValue): void {
  const [first, ...rest] = fields;
  if (!first) return;
  if (rest.length === 0) {
    json[first.jsonName] = value;
    return;
  }
  const inner = json[first.jsonName];
  const object: JsonObject = isObject(inner) ? inner : {};
  json[first.jsonName] = object;
  assign(object, rest, value);
}

/** Whether the value is neither a list nor a leaf. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the parameter is bound by neither the path nor the body. */
export function isInQuery({ body, template, method }: Route, name: string): boolean {
  const fields = fieldsAlong(method.input, name);
  if (!fields || body.kind === "whole") return false;
  if (body.kind === "field" && fields[0] === body.field) return false;
  return !template.variables.some(({ field }) => field === pathOf(fields));
}

/** Whether the field's value, or each of its items, can be written as one text. */
export function isTextual(field: DescField): boolean {
  if (field.fieldKind === "map") return false;
  if (field.fieldKind === "list") return field.listKind !== "message" || isTextualMessage(field);
  return field.fieldKind !== "message" || isTextualMessage(field);
}

function isTextualMessage({ message }: DescField): boolean {
  return (
    message !== undefined && hasOwnJson(message) && (isWrapperDesc(message) || TEXT_MESSAGES.has(message.typeName))
  );
}

function pairsOf(query: string): readonly (readonly [name: string, text: string])[] {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.includes("=") ? pair.indexOf("=") : pair.length;
      const name = decodePercent(pair.slice(0, equals).replaceAll("+", " "), "query");
      return [name, decodePercent(pair.slice(equals + 1).replaceAll("+", " "), name)];
    });
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function invalid(field: string, problem: string): DomainError {
  return new DomainError("INVALID_FIELD", { field, problem });
}

/** Turns a parameter's text into what proto3 JSON has in its place; ranges and formats are checked when it is read. */
function readText(field: DescField, text: string, name: string): JsonValue {
  const { scalar, enum: names } = valueOf(field);
  if (names) return readName(field, text, name);
  if (scalar === ScalarType.BOOL && (text === "true" || text === "false")) return text === "true";
  if (scalar !== undefined && WHOLE_NUMBERS.has(scalar) && !/^-?\d+$/.test(text)) {
    throw invalid(name, expectationOfValue(field));
  }
  return text;
}

function readName(field: DescField, text: string, name: string): string {
  const known = field.enum?.values.some((value) => value.jsonName === text || value.name === text);
  if (known) return text;
  throw invalid(name, expectationOfValue(field));
}

function valueOf(field: DescField): DescField {
  const [inner] = field.message && isWrapperDesc(field.message) ? field.message.fields : [];
  return inner ?? field;
}

const WHOLE_NUMBERS: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT32,
  ScalarType.SINT32,
  ScalarType.SFIXED32,
  ScalarType.UINT32,
  ScalarType.FIXED32,
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);
