import {
  fromJson,
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { expectationOf, expectationOfValue, fieldNamed, hasOwnJson } from "./fields.js";
import { isObject } from "./query.js";

/**
 * Finds what is wrong with JSON that could not be read as a message, as an INVALID_FIELD that names the innermost
 * field by its path in the request's own spelling: `video.tags[2]`.
 */
export function faultOf(message: DescMessage, json: JsonObject, within = ""): DomainError {
  const seen = new Map<DescField | DescOneof, string>();
  for (const [key, value] of Object.entries(json)) {
    const path = `${within}${key}`;
    const field = fieldNamed(message, key);
    if (!field) return invalid(path, "is unknown");
    if (seen.has(field)) return invalid(path, "is given more than once");
    const other = field.oneof && seen.get(field.oneof);
    if (other !== undefined) return invalid(path, `cannot be given together with ${other}`);
    seen.set(field, key).set(field.oneof ?? field, key);
    if (!reads(message, { [field.jsonName]: value })) return faultIn(field, value, path);
  }
  return invalid(within === "" ? "body" : within.slice(0, -1), "cannot be read");
}

function faultIn(field: DescField, value: JsonValue, path: string): DomainError {
  if (field.fieldKind === "list" && Array.isArray(value)) {
    const index = value.findIndex((item) => !reads(field.parent, { [field.jsonName]: [item] }));
    return faultInValue(field, value[index], `${path}[${index}]`);
  }
  if (field.fieldKind === "map" && isObject(value)) {
    const entry = Object.entries(value).find(
      ([key, item]) => !reads(field.parent, { [field.jsonName]: { [key]: item } }),
    );
    return entry ? faultInValue(field, entry[1], `${path}.${entry[0]}`) : invalid(path, expectationOf(field));
  }
  return field.fieldKind === "message" ? faultInValue(field, value, path) : invalid(path, expectationOf(field));
}

function faultInValue(field: DescField, value: JsonValue | undefined, path: string): DomainError {
  const { message } = field;
  if (message && !hasOwnJson(message) && isObject(value)) return faultOf(message, value, `${path}.`);
  return invalid(path, expectationOfValue(field));
}

function reads(message: DescMessage, json: JsonObject): boolean {
  try {
    fromJson(message, json);
    return true;
  } catch {
    return false;
  }
}

function invalid(field: string, problem: string): DomainError {
  return new DomainError("INVALID_FIELD", { field, problem });
}
