import type { Scalar } from "./collection.js";
import { UnsupportedError } from "./errors.js";
import { leavesAt, parsePath, type Leaves } from "./path.js";
import { assertId, compareValues, describe, isFields, isScalar, rank, type Fields, type Value } from "./value.js";

export type Comparison =
  | { readonly operator: "equal"; readonly value: Scalar }
  | { readonly operator: "in"; readonly values: readonly Scalar[] }
  | { readonly operator: "$gt" | "$gte" | "$lt" | "$lte"; readonly value: string | number | Date }
  | { readonly operator: "exists"; readonly exists: boolean };

export interface FieldTest {
  readonly path: string;
  readonly fields: readonly string[];
  readonly comparison: Comparison;
}

/** A filter in one form: every test of `fields`, and for each entry of `ors` at least one of its filters. */
export interface Conjunction {
  readonly fields: readonly FieldTest[];
  readonly ors: readonly (readonly Conjunction[])[];
}

const MAX_OPERANDS = 1000;
const MAX_DEPTH = 16;

/** @throws UnsupportedError for whatever is outside the vocabulary that all adapters share. */
export function parseFilter(filter: unknown, depth = 0): Conjunction {
  if (!isFields(filter)) throw new UnsupportedError("filter", `must be an object, not ${describe(filter)}.`);
  if (depth > MAX_DEPTH) throw new UnsupportedError("filter", `is nested more than ${MAX_DEPTH} deep.`);
  const fields: FieldTest[] = [];
  const ors: (readonly Conjunction[])[] = [];
  for (const [key, operand] of Object.entries(filter)) {
    if (key === "$or") ors.push(parseBranches(key, operand, depth));
    else if (key === "$and") {
      for (const branch of parseBranches(key, operand, depth)) {
        fields.push(...branch.fields);
        ors.push(...branch.ors);
      }
    } else if (key.startsWith("$")) throw new UnsupportedError(key, "is not an operator of this store.");
    else fields.push(...parseField(key, operand));
  }
  return { fields, ors };
}

function parseBranches(operator: string, operand: unknown, depth: number): Conjunction[] {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length > MAX_OPERANDS)
    throw new UnsupportedError(operator, `takes an array of 1 to ${MAX_OPERANDS} filters.`);
  return operand.map((branch) => parseFilter(branch, depth + 1));
}

function parseField(path: string, operand: unknown): FieldTest[] {
  const fields = parsePath(path);
  if (!isFields(operand)) return [{ path, fields, comparison: { operator: "equal", value: scalar(path, operand) } }];
  const conditions = Object.entries(operand);
  if (conditions.length === 0 || conditions.some(([operator]) => !operator.startsWith("$")))
    throw new UnsupportedError("equality", `"${path}" is compared with an object; compare its fields by dotted paths.`);
  return conditions.map(([operator, value]) => ({ path, fields, comparison: parseComparison(path, operator, value) }));
}

function parseComparison(path: string, operator: string, value: unknown): Comparison {
  switch (operator) {
    case "$in":
      if (!Array.isArray(value) || value.length > MAX_OPERANDS)
        throw new UnsupportedError("$in", `"${path}" takes an array of at most ${MAX_OPERANDS} values.`);
      return { operator: "in", values: value.map((each) => scalar(path, each)) };
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      if (!isScalar(value) || !(typeof value === "string" || typeof value === "number" || value instanceof Date))
        throw new UnsupportedError(
          operator,
          `"${path}" is compared with ${describe(value)}; use a string, number or Date.`,
        );
      return { operator, value };
    case "$exists":
      if (typeof value !== "boolean") throw new UnsupportedError("$exists", `"${path}" takes true or false.`);
      return { operator: "exists", exists: value };
    default:
      throw new UnsupportedError(operator, "is not an operator of this store.");
  }
}

function scalar(path: string, value: unknown): Scalar {
  if (!isScalar(value)) throw new UnsupportedError("equality", `"${path}" is compared with ${describe(value)}.`);
  return value;
}

export function matches(filter: Conjunction, document: Fields): boolean {
  return (
    filter.fields.every((test) => holds(test.comparison, leavesAt(document, test.fields))) &&
    filter.ors.every((branches) => branches.some((branch) => matches(branch, document)))
  );
}

function holds(comparison: Comparison, leaves: Leaves): boolean {
  switch (comparison.operator) {
    case "equal":
      return leaves.values.some((value) => equals(value, comparison.value));
    case "in":
      return leaves.values.some((value) => comparison.values.some((operand) => equals(value, operand)));
    case "exists":
      return leaves.exists === comparison.exists;
    default:
      return leaves.values.some((value) => inOrder(value, comparison.operator, comparison.value));
  }
}

export function equals(value: Value | undefined, operand: Scalar): boolean {
  if (value === undefined) return operand === null;
  return rank(value) === rank(operand) && compareValues(value, operand) === 0;
}

function inOrder(value: Value | undefined, operator: "$gt" | "$gte" | "$lt" | "$lte", operand: Scalar): boolean {
  if (value === undefined || rank(value) !== rank(operand)) return false;
  const order = compareValues(value, operand);
  switch (operator) {
    case "$gt":
      return order > 0;
    case "$gte":
      return order >= 0;
    case "$lt":
      return order < 0;
    case "$lte":
      return order <= 0;
  }
}

/** @returns the fields an upsert takes over from its filter. @throws UnsupportedError where they are not definite. */
export function equalitiesForUpsert(filter: Conjunction): readonly { fields: readonly string[]; value: Scalar }[] {
  if (filter.ors.length > 0) throw new UnsupportedError("$or", "cannot be in the filter of an upsert.");
  const found = new Map<string, { fields: readonly string[]; value: Scalar }>();
  for (const { path, fields, comparison } of filter.fields) {
    if (comparison.operator === "in") throw new UnsupportedError("$in", "cannot be in the filter of an upsert.");
    if (comparison.operator !== "equal") continue;
    for (const other of found.keys()) {
      if (other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`))
        throw new UnsupportedError("upsert", `"${path}" and "${other}" in its filter name the same field.`);
    }
    found.set(path, { fields, value: comparison.value });
  }
  const id = found.get("_id");
  if (id !== undefined) assertId(id.value);
  return [...found.values()];
}
