import {
  create,
  fromJsonString,
  mergeFromJson,
  toBinary,
  type DescField,
  type DescMessage,
  type Message,
} from "@bufbuild/protobuf";
import { isReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { faultOf } from "./fault.js";
import { fieldsAlong } from "./fields.js";
import { assign, isObject, readQuery } from "./query.js";
import type { Route } from "./routes.js";
import { variablesOf, type SplitPath } from "./template.js";

/** What of an HTTP request becomes the message. */
export interface Parts {
  readonly path: SplitPath;
  /** What follows the question mark, still percent-encoded. */
  readonly query: string;
  readonly body: Uint8Array;
}

/**
 * Makes the method's request out of path, query and body.
 *
 * @throws DomainError INVALID_FIELD naming the field as the request spells it.
 */
export function decodeRequest(route: Route, { path, query, body }: Parts): Uint8Array {
  const { input } = route.method;
  const message = readBody(route, body);
  const outside = readQuery(route, query);
  for (const [name, value] of variablesOf(route.template, path)) {
    const fields = fieldsAlong(input, name) ?? [];
    refuseOther(input, message, fields, value);
    assign(outside, fields, value);
  }
  try {
    mergeFromJson(input, message, outside);
  } catch {
    throw faultOf(input, outside);
  }
  return toBinary(input, message);
}

function readBody({ body: rule, method }: Route, body: Uint8Array): Message {
  if (body.length === 0) return create(method.input);
  const text = decodeText(body);
  switch (rule.kind) {
    case "none":
      throw invalid("body", "has to be empty");
    case "whole":
      return readJson(method.input, text);
    case "field": {
      const message = reflect(method.input);
      message.set(rule.field, reflect(rule.field.message, readJson(rule.field.message, text)));
      return message.message;
    }
  }
}

function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw invalid("body", "has to be text in UTF-8");
  }
}

function readJson(message: DescMessage, text: string): Message {
  try {
    return fromJsonString(message, text);
  } catch (error) {
    throw faultOfText(message, text, error);
  }
}

function faultOfText(message: DescMessage, text: string, error: unknown): DomainError {
  const json = parse(text);
  if (!isObject(json)) return invalid("body", "has to be a JSON object");
  const duplicate = error instanceof Error ? /duplicate object key "(?<key>.*)"$/s.exec(error.message) : undefined;
  if (duplicate?.groups?.key !== undefined) return invalid(duplicate.groups.key, "is given more than once");
  return faultOf(message, json);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A body may repeat what the path says, as a resource's own name does; it may not say otherwise. */
function refuseOther(input: DescMessage, message: Message, fields: readonly DescField[], value: string): void {
  let at: unknown = reflect(input, message);
  for (const field of fields) at = isReflectMessage(at) && at.isSet(field) ? at.get(field) : undefined;
  if (at !== undefined && at !== value) {
    throw invalid(fields.map(({ jsonName }) => jsonName).join("."), "differs from the path");
  }
}

function invalid(field: string, problem: string): DomainError {
  return new DomainError("INVALID_FIELD", { field, problem });
}
