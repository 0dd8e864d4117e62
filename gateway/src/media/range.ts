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
 * Several ranges at once, another unit and malformed ranges are ignored, as section 14.2 allows: the answer is whole.
 *
 * @param etag the representation's, strong and quoted.
 * @param size in bytes.
 */
export function answerRange(request: RangeRequest, etag: string, size: number): RangeAnswer {
  const { method, range, ifMatch, ifNoneMatch, ifRange } = request;
  if (ifMatch !== undefined && !listed(ifMatch, etag, { weak: false })) return { status: 412 };
  if (ifNoneMatch !== undefined && listed(ifNoneMatch, etag, { weak: true })) return { status: 304 };
  const whole = { status: 200, start: 0, end: size } as const;
  if (method !== "GET" || range === undefined) return whole;
  // A date never matches: there is no Last-Modified to compare it with.
  if (ifRange !== undefined && ifRange.trim() !== etag) return whole;
  const asked = parse(range);
  return asked ? resolve(asked, size) : whole;
}

/** `first-last`, `first-` or `-suffix`; numbers beyond what can be counted stand for infinity. */
type Spec = { readonly first: number; readonly last: number } | { readonly suffix: number };

function parse(range: string): Spec | undefined {
  const [, first, last] = /^bytes\s*=[\s,]*(\d*)-(\d*)[\s,]*$/i.exec(range.trim()) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") return { suffix: count(last) };
  const spec = { first: count(first), last: last === "" ? Infinity : count(last) };
  return BigInt(first) <= (last === "" ? BigInt(first) : BigInt(last)) ? spec : undefined;
}

function resolve(spec: Spec, size: number): RangeAnswer {
  if ("suffix" in spec) {
    if (spec.suffix === 0 || size === 0) return { status: 416 };
    return { status: 206, start: Math.max(0, size - spec.suffix), end: size };
  }
  if (spec.first >= size) return { status: 416 };
  return { status: 206, start: spec.first, end: Math.min(size, spec.last + 1) };
}

function count(digits: string): number {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** Whether a list of entity tags names this one, or `*` any (sections 8.8.3.2 and 13.1). */
function listed(list: string, etag: string, { weak }: { weak: boolean }): boolean {
  if (list.trim() === "*") return true;
  const tags = list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.some((tag) => tag === etag || (weak && tag === `W/${etag}`));
}
