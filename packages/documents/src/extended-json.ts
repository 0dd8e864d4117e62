import { UnsupportedError } from "./errors.js";
import { isFields, storableDocument, type Fields, type Value } from "./value.js";

/*
 * MongoDB Extended JSON, version 2, relaxed: JSON in which {"$date": "2026-01-02T03:04:05.678Z"} is a Date and
 * {"$binary": {"base64": "AAEC", "subType": "00"}} bytes. No stored field begins with `$`.
 * https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
 */

/** A document on one line. */
export function toExtendedJson(document: Fields): string {
  return JSON.stringify(encode(document));
}

/** @throws UnsupportedError where the text is no document that can be stored. */
export function fromExtendedJson(text: string): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UnsupportedError("json", "is not JSON", { cause: error });
  }
  return storableDocument(decode(parsed));
}

function encode(value: Value): unknown {
  if (value instanceof Date) return { $date: dateOf(value) };
  if (value instanceof Uint8Array) return { $binary: { base64: Buffer.from(value).toString("base64"), subType: "00" } };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, encode(inner)]));
}

/** Relaxed for the years that ISO-8601 has in four digits, canonical for the others. */
function dateOf(date: Date): unknown {
  const year = date.getUTCFullYear();
  return year >= 1970 && year <= 9999 ? date.toISOString() : { $numberLong: String(date.getTime()) };
}

function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (!isFields(value)) return value;
  if (Object.hasOwn(value, "$date")) return decodeDate(value.$date);
  if (Object.hasOwn(value, "$binary")) return decodeBinary(value.$binary);
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, decode(inner)]));
}

function decodeDate(given: unknown): Date {
  if (typeof given === "string") return new Date(given);
  return new Date(isFields(given) && typeof given.$numberLong === "string" ? Number(given.$numberLong) : Number.NaN);
}

function decodeBinary(given: unknown): Buffer {
  const base64 = isFields(given) ? given.base64 : undefined;
  if (typeof base64 !== "string") throw new UnsupportedError("json", "has bytes that are not base64");
  return Buffer.from(base64, "base64");
}
