/** Readers of untrusted JSON. Absent fields have their default, as in the JSON mapping of protobuf. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws TypeError when `value` is no JSON object. */
export function object(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new TypeError("The server answered with something unexpected.");
}

export function text(from: JsonObject, key: string): string {
  const value = from[key];
  return typeof value === "string" ? value : "";
}

export function flag(from: JsonObject, key: string): boolean {
  return from[key] === true;
}

/** Reads a number, or an int64 in its string form. What is neither, or not finite, is 0. */
export function number(from: JsonObject, key: string): number {
  const value = from[key];
  const parsed = typeof value === "string" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : 0;
}

export function list<T>(from: JsonObject, key: string, item: (value: JsonObject) => T): T[] {
  const value = from[key];
  return Array.isArray(value) ? value.map((entry: unknown) => item(object(entry))) : [];
}

/** Reads one of `known`; anything else, such as a value of a newer server, is `otherwise`. */
export function oneOf<const T extends string>(from: JsonObject, key: string, known: readonly T[], otherwise: T): T {
  const value = from[key];
  return known.find((name) => name === value) ?? otherwise;
}
