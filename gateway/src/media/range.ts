/** What a request asks of a representation, by its headers. */
export interface RangeRequest {
  readonly method: "GET" | "HEAD";
  readonly range?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifRange?: string | undefined;
}

/** What to answer: a status, and for 200 and 206 the bytes from `start` to `end`, exclusive. */
export type RangeAnswer =
  { readonly status: 200 | 206; readonly start: number; readonly end: number } | { readonly status: 304 | 412 | 416 };

/**
 * Decides a conditional range request by RFC 9110, sections 13.2.2 (precedence) and 14.
 *
 * What sections 14.1.1 and 14.2 allow to ignore is ignored, and the answer is whole: several ranges at once, another
 * unit, malformed ranges, and any range of nothing.
 *
 * @param etag the representation's, strong and quoted.
 * @param size in bytes.
 */
export function answerRange(request: RangeRequest, etag: string, size: number): RangeAnswer {
  const { method, range, ifMatch, ifNoneMatch, ifRange } = request;
  if (ifMatch !== undefined && !listed(ifMatch, [etag])) return { status: 412 };
  // The weak comparison: a weak tag of the same text matches too.
  if (ifNoneMatch !== undefined && listed(ifNoneMatch, [etag, `W/${etag}`])) return { status: 304 };
  const whole = { status: 200, start: 0, end: size } as const;
  // Ranges are defined for GET alone.
  if (method !== "GET" || range === undefined || size === 0) return whole;
  // A date never matches: there is no Last-Modified to compare it with.
  if (ifRange !== undefined && ifRange.trim() !== etag) return whole;
  const asked = parse(range);
  return asked ? resolve(asked, size) : whole;
}

/** `first-last`, `first-` or `-suffix`; numbers beyond what can be counted stand for infinity. */
type Spec = { readonly first: number; readonly last: number } | { readonly suffix: number };

function parse(range: string): Spec | undefined {
  // A list of one: its empty elements count for nothing (section 5.6.1.2).
  const [, first, last] = /^bytes=[ \t,]*(\d*)-(\d*)[ \t,]*$/i.exec(range.trim()) ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (first === "") return last === "" ? undefined : { suffix: count(last) };
  const spec = { first: count(first), last: last === "" ? Infinity : count(last) };
  return spec.first <= spec.last ? spec : undefined;
}

function resolve(spec: Spec, size: number): RangeAnswer {
  if ("suffix" in spec) {
    return spec.suffix === 0 ? { status: 416 } : { status: 206, start: Math.max(0, size - spec.suffix), end: size };
  }
  if (spec.first >= size) return { status: 416 };
  return { status: 206, start: spec.first, end: Math.min(size, spec.last + 1) };
}

function count(digits: string): number {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** Whether a list of entity tags names one of these, or `*` any (sections 8.8.3 and 13.1). */
function listed(list: string, etags: readonly string[]): boolean {
  if (list.trim() === "*") return true;
  const tags = list.match(/(?<![^\s,])(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?![^\s,])/g) ?? [];
  return tags.some((tag) => etags.includes(tag));
}
