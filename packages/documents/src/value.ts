import type { Scalar } from "./collection.js";
import { UnsupportedError } from "./errors.js";

/** What a stored document consists of. */
export type Value = Scalar | Value[] | Fields;
export interface Fields {
  [field: string]: Value;
}

const MAX_DEPTH = 64;
const MAX_ID_BYTES = 240;

export function isFields(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

export function isScalar(value: unknown): value is Scalar {
  if (value === null || value instanceof Uint8Array) return true;
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  return typeof value === "boolean";
}

/** @returns a checked copy of `value` as both stores hand it back. @throws UnsupportedError naming `where`. */
export function storable(value: unknown, where: string, depth = 0): Value {
  if (depth > MAX_DEPTH) throw new UnsupportedError("value", `${where} is nested more than ${MAX_DEPTH} deep.`);
  if (isScalar(value)) return scalarCopy(value);
  if (Array.isArray(value)) return value.map((element, at) => storableElement(element, `${where}[${at}]`, depth + 1));
  if (!isFields(value)) throw new UnsupportedError("value", `${where} is ${describe(value)}, which cannot be stored.`);
  const copy: Fields = {};
  for (const [field, inner] of Object.entries(value)) {
    assertFieldName(field, where);
    copy[field] = storable(inner, `${where}.${field}`, depth + 1);
  }
  return copy;
}

/** @returns a checked copy of a whole document. @throws UnsupportedError */
export function storableDocument(document: unknown): Fields {
  const copy = storable(document, "document");
  if (!isDocument(copy)) throw new UnsupportedError("value", "a document is a plain object.");
  assertId(copy._id);
  return copy;
}

/** @throws UnsupportedError unless `id` can identify a document. */
export function assertId(id: unknown): asserts id is string {
  if (typeof id !== "string" || id === "" || id.includes("\0") || Buffer.byteLength(id) > MAX_ID_BYTES)
    throw new UnsupportedError("_id", `must be a string of 1 to ${MAX_ID_BYTES} bytes without NUL.`);
}

export function isDocument(value: Value | undefined): value is Fields {
  return !isScalarValue(value) && !Array.isArray(value);
}

function isScalarValue(value: Value | undefined): value is Scalar | undefined {
  return typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array;
}

function storableElement(element: unknown, where: string, depth: number): Value {
  if (Array.isArray(element)) throw new UnsupportedError("value", `${where} is an array directly in an array.`);
  return storable(element, where, depth);
}

function scalarCopy(value: Scalar): Scalar {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Date) return new Date(value);
  return value === 0 ? 0 : value;
}

function assertFieldName(field: string, where: string): void {
  if (field === "" || field === "__proto__" || /^\$|[.\0]|\p{Surrogate}/u.test(field))
    throw new UnsupportedError("value", `${where} has a field named ${JSON.stringify(field)}.`);
}

/** Names a value's kind for an error's sentence, never its content. */
export function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "string") return "a string that is not well-formed";
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  if (value instanceof Date) return "an invalid Date";
  return Array.isArray(value) ? "an array" : "an object";
}

/** BSON's order of types, of those that can be stored. */
export function rank(value: Value): number {
  if (value === null) return 1;
  if (typeof value === "number") return 2;
  if (typeof value === "string") return 3;
  if (value instanceof Uint8Array) return 6;
  if (typeof value === "boolean") return 7;
  if (value instanceof Date) return 8;
  return Array.isArray(value) ? 5 : 4;
}

/** BSON's order. Two objects, and two arrays, count as equal: no operator compares them with one another. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string")
    return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length - b.length || Buffer.compare(a, b);
  return rank(a) - rank(b);
}
