import type { Direction, IndexDefinition, Scalar } from "./collection.js";
import { UnsupportedError } from "./errors.js";
import type { Conjunction, FieldTest } from "./filter.js";
import { EMPTY, encodePart, parseParts, successor, typePrefix, distinct, type IndexPart, type KeyPart } from "./key.js";
import { rank } from "./value.js";

/** The index every collection has: its records, by `_id`. */
export const PRIMARY = "_id";

export interface PlannedIndex {
  readonly name: string;
  readonly parts: readonly IndexPart[];
  /** Paths where some document may hold an array. */
  readonly spread: ReadonlySet<string>;
}

/** Keys from `start` up to but without `end`; undefined is no bound. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer | undefined;
  /** How many leading bytes of its keys the sort takes no notice of. */
  readonly skip: number;
}

export interface Scan {
  readonly index: PlannedIndex;
  /** Disjoint. */
  readonly ranges: readonly KeyRange[];
  readonly reverse: boolean;
  /** How many paths are compared by equality or `$in`, and whether the next one is by a range. None: the whole index. */
  readonly equal: number;
  readonly ranged: boolean;
  /** What its documents have to match besides being in the ranges. */
  readonly filter: Conjunction;
}

/** Scans whose union, each document taken from the first whose filter it matches, answers the query. */
export interface Plan {
  readonly scans: readonly Scan[];
  readonly sort: readonly IndexPart[];
}

const MAX_RANGES = 1000;
const MAX_SCANS = 64;
const MAX_PARTS = 6;

/** @returns the indexes to plan with, `_id` first. @throws UnsupportedError for definitions not all adapters take. */
export function parseIndexes(definitions: readonly IndexDefinition[]): readonly (PlannedIndex & { unique: boolean })[] {
  const declared = definitions.map(({ keys, unique = false }) => {
    const parts = parseParts(keys, "index");
    const name = parts.map(({ path, direction }) => `${path}_${direction}`).join("_");
    if (parts.length === 0 || parts.length > MAX_PARTS)
      throw new UnsupportedError("index", `"${name}" has ${parts.length} paths; 1 to ${MAX_PARTS} are allowed.`);
    if (new Set(parts.map(({ fields }) => fields[0])).size < parts.length)
      throw new UnsupportedError("index", `"${name}" has two paths that share their first field.`);
    return { name, parts, unique, spread: new Set<string>() };
  });
  if (new Set(declared.map(({ name }) => name)).size < declared.length)
    throw new UnsupportedError("index", "the same paths are declared twice.");
  return [{ name: PRIMARY, parts: parseParts({ _id: 1 }, "index"), unique: true, spread: new Set() }, ...declared];
}

/** @throws UnsupportedError where no index serves the sort. */
export function planQuery(
  indexes: readonly PlannedIndex[],
  filter: Conjunction,
  order: Readonly<Record<string, Direction>> = {},
): Plan {
  const sort = parseParts(order, "sort");
  const scans = planScans(indexes, filter, sort);
  if (scans === undefined) {
    const wanted = sort.map(({ path, direction }) => `${path}: ${direction}`).join(", ");
    throw new UnsupportedError("sort", `no declared index serves {${wanted}} with this filter.`);
  }
  return { scans, sort };
}

function planScans(
  indexes: readonly PlannedIndex[],
  filter: Conjunction,
  sort: readonly IndexPart[],
): Scan[] | undefined {
  const whole = bestScan(indexes, filter, sort);
  const [branches, ...others] = filter.ors;
  if (branches === undefined) return whole && [whole];
  const split: Scan[] = [];
  for (const branch of branches) {
    const fields = [...filter.fields, ...branch.fields];
    const scans = planScans(indexes, { fields, ors: [...others, ...branch.ors] }, sort);
    const better = scans?.every((scan) => whole === undefined || score(scan) > score(whole)) ?? false;
    if (scans === undefined || !better || split.length + scans.length > MAX_SCANS) return whole && [whole];
    split.push(...scans);
  }
  return split;
}

function bestScan(indexes: readonly PlannedIndex[], filter: Conjunction, sort: readonly IndexPart[]): Scan | undefined {
  let best: Scan | undefined;
  for (const index of indexes) {
    const scan = planScan(index, filter, sort);
    if (scan !== undefined && (best === undefined || score(scan) > score(best))) best = scan;
  }
  return best;
}

function score(scan: Scan): number {
  return scan.equal * 2 + Number(scan.ranged);
}

function planScan(index: PlannedIndex, filter: Conjunction, sort: readonly IndexPart[]): Scan | undefined {
  const prefixes = equalityPrefixes(index, filter.fields, sort);
  const equal = prefixes.length - 1;
  const order = sortFrom(index.parts, equal, sort);
  if (order === undefined) return undefined;
  const next = index.parts[equal];
  const bounds = next === undefined || sortsSpread(index, next, sort) ? {} : boundsOf(index, next, filter.fields);
  const ranges = (prefixes[equal] ?? []).flatMap(({ bytes, ends }) => {
    const range = keyRange(bytes, next, bounds);
    return range === undefined ? [] : [{ ...range, skip: ends[order.from - 1] ?? 0 }];
  });
  const ranged = bounds.lower !== undefined || bounds.upper !== undefined;
  return { index, ranges, reverse: order.reverse, equal, ranged, filter };
}

/** An array under a sort counts by its least or greatest element, which bounds on the path could hide. */
function sortsSpread(index: PlannedIndex, part: IndexPart, sort: readonly IndexPart[]): boolean {
  return index.spread.has(part.path) && sort.some(({ path }) => path === part.path);
}

interface Prefix {
  readonly bytes: Buffer;
  /** Where each of its parts ends. */
  readonly ends: readonly number[];
}

/** @returns for 0, 1, … leading paths compared by equality or `$in`: every combination of their values. */
function equalityPrefixes(index: PlannedIndex, tests: readonly FieldTest[], sort: readonly IndexPart[]): Prefix[][] {
  const levels: Prefix[][] = [[{ bytes: Buffer.alloc(0), ends: [] }]];
  for (const part of index.parts) {
    const values = sortsSpread(index, part, sort) ? undefined : pointsOf(part.path, tests);
    const prefixes = levels.at(-1) ?? [];
    if (values === undefined || values.length * prefixes.length > MAX_RANGES) break;
    const encoded = distinct(values.map((value) => encodePart(value, part.direction)));
    levels.push(
      prefixes.flatMap(({ bytes, ends }) =>
        encoded.map((each) => ({ bytes: Buffer.concat([bytes, each]), ends: [...ends, bytes.length + each.length] })),
      ),
    );
  }
  return levels;
}

/** @returns the least set of values a document must have one of at `path`, where its tests say so. */
function pointsOf(path: string, tests: readonly FieldTest[]): readonly KeyPart[] | undefined {
  let least: readonly KeyPart[] | undefined;
  for (const { path: tested, comparison } of tests) {
    if (tested !== path) continue;
    const points: readonly KeyPart[] | undefined =
      comparison.operator === "equal"
        ? [comparison.value]
        : comparison.operator === "in"
          ? comparison.values
          : comparison.operator === "exists" && !comparison.exists
            ? [EMPTY, null]
            : undefined;
    if (points !== undefined && (least === undefined || points.length < least.length)) least = points;
  }
  return least;
}

/** @returns at which path of the index the sort begins, all paths before being compared by equality. */
function sortFrom(
  parts: readonly IndexPart[],
  equal: number,
  sort: readonly IndexPart[],
): { from: number; reverse: boolean } | undefined {
  const first = sort[0];
  if (first === undefined) return { from: 0, reverse: false };
  const from = parts.findIndex(({ path }) => path === first.path);
  if (from < 0 || from > equal) return undefined;
  const reverse = parts[from]?.direction !== first.direction;
  const served = sort.every(({ path, direction }, at) => {
    const part = parts[from + at];
    return part?.path === path && (part.direction !== direction) === reverse;
  });
  return served ? { from, reverse } : undefined;
}

interface Bounds {
  readonly lower?: { readonly value: Scalar; readonly inclusive: boolean };
  readonly upper?: { readonly value: Scalar; readonly inclusive: boolean };
}

/** Where arrays may be, different elements can satisfy each bound, so that only one of the two can narrow the keys. */
function boundsOf(index: PlannedIndex, { path }: IndexPart, tests: readonly FieldTest[]): Bounds {
  let bounds: Bounds = {};
  for (const { path: tested, comparison } of tests) {
    if (tested !== path || !("value" in comparison) || comparison.operator === "equal") continue;
    const { operator, value } = comparison;
    const first = bounds.lower ?? bounds.upper;
    if (first !== undefined && (index.spread.has(path) || rank(first.value) !== rank(value))) continue;
    const bound = { value, inclusive: operator === "$gte" || operator === "$lte" };
    if (operator === "$gt" || operator === "$gte") bounds = { lower: bound, ...bounds };
    else bounds = { upper: bound, ...bounds };
  }
  return bounds;
}

function keyRange(
  prefix: Buffer,
  part: IndexPart | undefined,
  { lower, upper }: Bounds,
): { start: Buffer; end: Buffer | undefined } | undefined {
  const bound = lower ?? upper;
  if (part === undefined || bound === undefined) return { start: prefix, end: successor(prefix) };
  const { direction } = part;
  const type = Buffer.concat([prefix, typePrefix(bound.value, direction)]);
  const [first, last] = direction === 1 ? [lower, upper] : [upper, lower];
  const start = first === undefined ? type : edge(prefix, first.value, direction, "start", !first.inclusive);
  const end = last === undefined ? successor(type) : edge(prefix, last.value, direction, "end", last.inclusive);
  return start !== undefined && (end === undefined || Buffer.compare(start, end) < 0) ? { start, end } : undefined;
}

/**
 * @returns the key before (or `after`) all keys that have the value. Of a value too long for a key only the beginning
 *   is known to be in order, so all that begin alike stay in the range.
 */
function edge(
  prefix: Buffer,
  value: Scalar,
  direction: Direction,
  side: "start" | "end",
  after: boolean,
): Buffer | undefined {
  const stem = encodePart(value, direction, true);
  const cut = stem.length < encodePart(value, direction).length;
  const key = Buffer.concat([prefix, stem]);
  return (cut ? side === "end" : after) ? successor(key) : key;
}
