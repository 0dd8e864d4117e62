import { UnsupportedError } from "./errors.js";
import { isDocument, type Fields, type Value } from "./value.js";

/** What a document has at a path: arrays on the way and at its end are spread into their elements. */
export interface Leaves {
  /** A scalar or object for each place the path leads to; undefined where a field on the way is missing. */
  readonly values: readonly (Value | undefined)[];
  /** Whether an array was met, be it empty. */
  readonly spread: boolean;
  /** Whether the path leads to a field anywhere, be it null or an empty array. */
  readonly exists: boolean;
}

/** @returns the fields of a path. @throws UnsupportedError for positions (`a.0`, `a.$`) and malformed paths. */
export function parsePath(path: string): readonly string[] {
  const fields = path.split(".");
  for (const field of fields) {
    if (field === "" || field === "__proto__" || /^\$|^\d+$|\0|\p{Surrogate}/u.test(field))
      throw new UnsupportedError("path", `${JSON.stringify(path)} is not a path of field names.`);
  }
  return fields;
}

export function leavesAt(document: Fields, path: readonly string[]): Leaves {
  const values: (Value | undefined)[] = [];
  let spread = false;
  let exists = false;
  const visit = (value: Value | undefined, at: number): void => {
    if (Array.isArray(value)) {
      spread = true;
      if (at === path.length) {
        exists = true;
        values.push(...value);
      } else for (const element of value) if (isDocument(element)) visitField(element, at);
    } else if (at === path.length) {
      exists ||= value !== undefined;
      values.push(value);
    } else if (isDocument(value)) visitField(value, at);
    else values.push(undefined);
  };
  const visitField = (fields: Fields, at: number): void => {
    const field = path[at];
    if (field !== undefined) visit(Object.hasOwn(fields, field) ? fields[field] : undefined, at + 1);
  };
  visitField(document, 0);
  return { values, spread, exists };
}

/** @returns the object that holds the path's last field, or undefined where the way there is missing or blocked. */
export function parentOf(document: Fields, path: readonly string[]): Fields | undefined {
  let parent: Fields = document;
  for (const field of path.slice(0, -1)) {
    const next = Object.hasOwn(parent, field) ? parent[field] : undefined;
    if (!isDocument(next)) return undefined;
    parent = next;
  }
  return parent;
}

/** As parentOf, making the objects that are missing. @throws UnsupportedError where something else is in the way. */
export function makeParent(document: Fields, path: readonly string[], operator: string): Fields {
  let parent: Fields = document;
  for (const field of path.slice(0, -1)) {
    const next = Object.hasOwn(parent, field) ? parent[field] : (parent[field] = {});
    if (!isDocument(next))
      throw new UnsupportedError(operator, `"${path.join(".")}" leads through a value that is not an object.`);
    parent = next;
  }
  return parent;
}
