import type { Scalar } from "./collection.js";
import { UnsupportedError } from "./errors.js";
import { equalitiesForUpsert, equals, type Conjunction } from "./filter.js";
import { makeParent, parentOf, parsePath } from "./path.js";
import { assertId, compareValues, describe, isFields, isScalar, storable, type Fields, type Value } from "./value.js";

const OPERATORS = ["$set", "$setOnInsert", "$unset", "$inc", "$min", "$max", "$push", "$pull", "$addToSet"] as const;
type Operator = (typeof OPERATORS)[number];

export interface Change {
  readonly operator: Operator;
  readonly path: string;
  readonly fields: readonly string[];
  readonly value: Value;
}

/** @throws UnsupportedError for whatever is outside the vocabulary that all adapters share. */
export function parseUpdate(update: unknown): readonly Change[] {
  if (!isFields(update)) throw new UnsupportedError("update", `must be an object, not ${describe(update)}.`);
  const changes = Object.entries(update).flatMap(([name, paths]) => {
    const operator = OPERATORS.find((known) => known === name);
    if (operator === undefined) throw new UnsupportedError(name, "is not an update operator of this store.");
    if (!isFields(paths)) throw new UnsupportedError(operator, `takes an object of paths, not ${describe(paths)}.`);
    return Object.entries(paths).map(([path, value]) => parseChange(operator, path, value));
  });
  if (changes.length === 0) throw new UnsupportedError("update", "changes nothing.");
  assertApart(changes.map((change) => change.path));
  return changes;
}

function parseChange(operator: Operator, path: string, operand: unknown): Change {
  const fields = parsePath(path);
  if (fields[0] === "_id") {
    if (operator !== "$setOnInsert" || fields.length > 1) throw new UnsupportedError(operator, "_id never changes.");
    assertId(operand);
  }
  return { operator, path, fields, value: parseOperand(operator, path, operand) };
}

function parseOperand(operator: Operator, path: string, operand: unknown): Value {
  switch (operator) {
    case "$set":
    case "$setOnInsert":
      return storable(operand, path);
    case "$push":
      if (Array.isArray(operand)) throw new UnsupportedError(operator, `"${path}" takes one element, not an array.`);
      return storable(operand, path);
    case "$unset":
      if (operand !== true) throw new UnsupportedError(operator, `"${path}" takes true.`);
      return true;
    case "$inc":
      if (typeof operand !== "number" || !Number.isFinite(operand))
        throw new UnsupportedError(operator, `"${path}" takes a finite number.`);
      return operand;
    case "$min":
    case "$max":
    case "$pull":
    case "$addToSet":
      if (!isScalar(operand))
        throw new UnsupportedError(operator, `"${path}" takes a plain value, not ${describe(operand)}.`);
      return storable(operand, path);
  }
}

/** MongoDB's rule: the outcome must not depend on the order of the operators. */
function assertApart(paths: readonly string[]): void {
  const sorted = paths.map((path) => `${path}.`).sort();
  sorted.forEach((path, at) => {
    const before = sorted[at - 1];
    if (before !== undefined && path.startsWith(before))
      throw new UnsupportedError("update", `changes "${before.slice(0, -1)}" and "${path.slice(0, -1)}" at once.`);
  });
}

/** Changes `document` in place. @throws UnsupportedError where what is stored does not allow the change. */
export function applyChanges(document: Fields, changes: readonly Change[], inserting = false): void {
  for (const change of changes) {
    if (change.operator !== "$setOnInsert" || inserting) applyChange(document, change);
  }
}

function applyChange(document: Fields, { operator, path, fields, value }: Change): void {
  const field = fields.at(-1) ?? path;
  if (operator === "$unset" || operator === "$pull") {
    const parent = parentOf(document, fields);
    if (parent === undefined || !Object.hasOwn(parent, field)) return;
    if (operator === "$unset") Reflect.deleteProperty(parent, field);
    else parent[field] = without(arrayAt(parent[field], operator, path), value);
    return;
  }
  const parent = makeParent(document, fields, operator);
  const before = Object.hasOwn(parent, field) ? parent[field] : undefined;
  parent[field] = changed(before, operator, path, value);
}

function changed(
  before: Value | undefined,
  operator: Exclude<Operator, "$unset" | "$pull">,
  path: string,
  value: Value,
): Value {
  switch (operator) {
    case "$set":
    case "$setOnInsert":
      return value;
    case "$inc":
      return sum(before, path, value);
    case "$min":
      return before !== undefined && compareValues(before, value) <= 0 ? before : value;
    case "$max":
      return before !== undefined && compareValues(before, value) >= 0 ? before : value;
    case "$push":
      return [...(before === undefined ? [] : arrayAt(before, operator, path)), value];
    case "$addToSet": {
      const elements = before === undefined ? [] : arrayAt(before, operator, path);
      return isScalar(value) && elements.some((element) => equals(element, value)) ? elements : [...elements, value];
    }
  }
}

function sum(before: Value | undefined, path: string, value: Value): number {
  const start = before ?? (before === undefined ? 0 : before);
  if (typeof start !== "number" || typeof value !== "number")
    throw new UnsupportedError("$inc", `"${path}" does not hold a number.`);
  const total = start + value;
  if (!Number.isFinite(total)) throw new UnsupportedError("$inc", `"${path}" would leave the range of numbers.`);
  return total;
}

function arrayAt(value: Value | undefined, operator: string, path: string): Value[] {
  if (!Array.isArray(value)) throw new UnsupportedError(operator, `"${path}" does not hold an array.`);
  return value;
}

function without(elements: readonly Value[], value: Value): Value[] {
  return elements.filter((element) => !isScalar(value) || !equals(element, value));
}

/** @throws UnsupportedError where the document's `_id` would not be known. */
export function assertUpsertable(filter: Conjunction, changes: readonly Change[]): void {
  const seed = equalitiesForUpsert(filter);
  const named = seed.some(({ fields }) => fields.join() === "_id") || changes.some(({ path }) => path === "_id");
  if (!named) throw new UnsupportedError("upsert", "needs the _id in its filter or in $setOnInsert.");
}

/** @returns the document an upsert inserts: the filter's equalities, then the changes. */
export function upserted(filter: Conjunction, changes: readonly Change[]): Fields {
  const document: Fields = {};
  for (const { fields, value } of equalitiesForUpsert(filter)) {
    makeParent(document, fields, "upsert")[fields.at(-1) ?? ""] = storableScalar(value, fields);
  }
  applyChanges(document, changes, true);
  return document;
}

function storableScalar(value: Scalar, fields: readonly string[]): Value {
  return storable(value, fields.join("."));
}
