import { fromJson, type DescField, type DescMessage, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { expectationOf, expectationOfItem, fieldNamed, hasOwnJson } from "./fields.js";
import { isObject } from "./query.js";

/**
 * Finds what is wrong with JSON that could not be read as a message, as an INVALID_FIELD that names the innermost
 * field by its path in the request's own spelling: `video.tags[2]`.
 */
export function faultOf(message: DescMessage, json: JsonObject, within = ""): DomainError {
  const seen = new Set<DescField>();
  for (const [key, value] of Object.entries(json)) {
    const path = `${within}${key}`;
    const field = fieldNamed(message, key);
    if (!field) return invalid(path, "is unknown");
    if (seen.has(field)) return invalid(path, "is given more than once");
    seen.add(field);
    if (!reads(message, { [field.jsonName]: value })) return faultIn(field, value, path);
  }
  return invalid(within === "" ? "body" : within.slice(0, -1), "cannot be read");
}

function faultIn(field: DescField, value: JsonValue, path: string): DomainError {
  if (field.fieldKind === "message" && isObject(value) && !hasOwnJson(field.message)) {
    return faultOf(field.message, value, `${path}.`);
  }
  if (field.fieldKind === "list" && Array.isArray(value)) return faultInList(field, value, path);
  return invalid(path, expectationOf(field));
}

function faultInList(field: DescField & { fieldKind: "list" }, items: readonly JsonValue[], path: string): DomainError {
  const index = items.findIndex((item) => !reads(field.parent, { [field.jsonName]: [item] }));
  const item = items[index];
  if (field.listKind === "message" && isObject(item) && !hasOwnJson(field.message)) {
    return faultOf(field.message, item, `${path}[${index}].`);
  }
  return invalid(`${path}[${index}]`, expectationOfItem(field));
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
