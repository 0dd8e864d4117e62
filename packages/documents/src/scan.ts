import type { Transaction } from "lmdb";
import { matches } from "./filter.js";
import { documentKeys, encodePart, sortKey } from "./key.js";
import type { Entries } from "./lmdb.js";
import type { KeyRange, Plan, Scan } from "./planner.js";
import { PRIMARY } from "./planner.js";
import { concatenated, merged, type Step } from "./stream.js";
import type { Fields } from "./value.js";

/** How a plan reaches what is stored. */
export interface Source {
  /** @returns the entries of an index: of the primary one record key -> record, of the others entry -> record key. */
  entries(index: string): Entries;
  /** @throws DamagedRecordError where it is damaged or not there. */
  document(key: Buffer, record?: Buffer): Fields;
  /** Undefined inside a write. */
  readonly transaction: Transaction | undefined;
  /** Counts what was looked at. */
  readonly examined: Examined;
}

export interface Examined {
  entries: number;
  documents: number;
}

/** @returns every document that answers the plan, once, in its order. Decodes one at a time (one a range or scan in a merge). */
export function* documentsOf(plan: Plan, source: Source): Generator<Step<Fields>> {
  const streams = plan.scans.map((scan, at) => distinctDocuments(scan, plan.scans.slice(0, at), plan, source));
  if (plan.sort.length === 0 || streams.length < 2) yield* concatenated(streams);
  else yield* byDocument(streams, plan);
}

function* byDocument(streams: readonly Iterable<Step<Fields>>[], plan: Plan): Generator<Step<Fields>> {
  const keyed = streams.map(function* (stream) {
    for (const document of stream) yield document && { document, key: sortKey(document, plan.sort) };
  });
  for (const step of merged(keyed, (a, b) => Buffer.compare(a.key, b.key))) yield step?.document;
}

/** A document that an earlier scan of the plan finds too is left to that one. */
function* distinctDocuments(scan: Scan, earlier: readonly Scan[], plan: Plan, source: Source): Generator<Step<Fields>> {
  for (const { key, record, range } of entriesOf(scan, plan.sort.length > 0, source)) {
    const document = record === undefined ? source.document(key.of) : source.document(key.of, record);
    source.examined.documents++;
    const taken =
      matches(scan.filter, document) &&
      !earlier.some(({ filter }) => matches(filter, document)) &&
      (scan.index.spread.size === 0 || isFirstEntry(scan, range, key, document));
    yield taken ? document : undefined;
  }
}

interface Entry {
  readonly key: { readonly of: Buffer; readonly entry: Buffer };
  /** Present where the scan is of the records themselves. */
  readonly record: Buffer | undefined;
  readonly range: KeyRange;
}

function* entriesOf(scan: Scan, sorted: boolean, source: Source): Generator<Entry> {
  const streams = scan.ranges.map((range) => rangeEntries(scan, range, source));
  if (!sorted || streams.length < 2) {
    yield* concatenated(streams);
    return;
  }
  const sign = scan.reverse ? -1 : 1;
  const inOrder = merged(streams, (a, b) => sign * Buffer.compare(sortedPart(a), sortedPart(b)));
  for (const entry of inOrder) if (entry !== undefined) yield entry;
}

function sortedPart({ key, range }: Entry): Buffer {
  return key.entry.subarray(range.skip);
}

function* rangeEntries(scan: Scan, range: KeyRange, source: Source): Generator<Entry> {
  const { index, reverse } = scan;
  const { transaction } = source;
  const within = reverse
    ? { start: range.end, exclusiveStart: true, end: nonEmpty(range.start), inclusiveEnd: true, reverse }
    : { start: nonEmpty(range.start), end: range.end };
  const options = Object.fromEntries(
    Object.entries({ ...within, transaction }).filter(([, value]) => value !== undefined),
  );
  for (const { key, value } of source.entries(index.name).getRange(options)) {
    source.examined.entries++;
    const primary = index.name === PRIMARY;
    yield { key: { of: primary ? key : value, entry: key }, record: primary ? value : undefined, range };
  }
}

function nonEmpty(key: Buffer): Buffer | undefined {
  return key.length === 0 ? undefined : key;
}

/** Where a document has several entries in the scan's ranges, it is taken at the first of them. */
function isFirstEntry(scan: Scan, range: KeyRange, key: Entry["key"], document: Fields): boolean {
  const keys = entryKeys(scan.index.parts, document, key.of).keys;
  for (const candidate of scan.ranges) {
    const inside = keys.filter((each) => isInside(each, candidate)).sort((a, b) => Buffer.compare(a, b));
    const first = scan.reverse ? inside.at(-1) : inside[0];
    if (first !== undefined) return candidate === range && first.equals(key.entry);
  }
  return false;
}

function isInside(key: Buffer, { start, end }: KeyRange): boolean {
  return Buffer.compare(key, start) >= 0 && (end === undefined || Buffer.compare(key, end) < 0);
}

/** @returns the keys of a document's entries in an index: its values, then the record's key, which makes them unique. */
export function entryKeys(
  parts: Scan["index"]["parts"],
  document: Fields,
  recordKey: Buffer,
): { values: readonly Buffer[]; keys: readonly Buffer[]; spread: readonly string[] } {
  const { keys: values, spread } = documentKeys(document, parts);
  return { values, keys: values.map((value) => Buffer.concat([value, recordKey])), spread };
}

export function recordKeyOf(id: string): Buffer {
  return encodePart(id, 1);
}

/** @returns the `_id` of a record's key. */
export function idOfRecordKey(key: Buffer): string {
  return key.subarray(1, -2).toString();
}
