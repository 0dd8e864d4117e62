import { parse } from "yaml";
import { readFile } from "node:fs/promises";

/** Something that a YAML or JSON file says. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** Reads a YAML file with its merges done. JSON is YAML too. */
export async function readYaml(file: string): Promise<Value> {
  return asValue(parse(await readFile(file, "utf8"), { merge: true }));
}

/** What is at a path; undefined where there is nothing. */
export function at(value: Value | undefined, ...path: readonly (string | number)[]): Value | undefined {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Object.entries(here).find(([key]) => key === String(step))?.[1];
  }
  return here;
}

/** The text, number or truth at a path, in words; empty where there is none. */
export function textAt(value: Value | undefined, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return found === undefined || found === null || typeof found === "object" ? "" : String(found);
}

/** The texts of a list at a path, in words; none where there is no list. */
export function textsAt(value: Value | undefined, ...path: readonly (string | number)[]): string[] {
  const found = at(value, ...path);
  return isList(found) ? found.map((item) => textAt(item)) : [];
}

/** The entries of what must be a mapping. */
export function entriesOf(value: Value | undefined): [string, Value][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("It is no mapping");
  return Object.entries(value);
}

/** The items of what must be a list. */
export function itemsOf(value: Value | undefined): readonly Value[] {
  if (!isList(value)) throw new Error("It is no list");
  return value;
}

function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

function asValue(value: unknown): Value {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  if (Array.isArray(value)) return value.map(asValue);
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asValue(inner)]));
  throw new Error("Nothing that YAML says");
}
