import { DomainError } from "@reelmesh/mesh/errors.js";

/** One segment of a template: itself, any one segment (`*`), or all that is left (`**`, last). */
export type Segment =
  { readonly kind: "literal"; readonly text: string } | { readonly kind: "one" } | { readonly kind: "rest" };

/** A part of the path that becomes a field of the request. */
export interface Variable {
  /** `name`, `video.name`. */
  readonly field: string;
  /** The first of its segments. */
  readonly start: number;
  /** One past its last; with `**`, which takes all that is left, one past that. */
  readonly end: number;
}

/** A path as google.api.http describes it. */
export interface Template {
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** What follows the colon at the end: `undelete`. */
  readonly verb: string | undefined;
}

/** The path of a request, still percent-encoded. */
export interface SplitPath {
  readonly segments: readonly string[];
  /** A colon in the last segment always begins a verb; one that belongs to a name is percent-encoded. */
  readonly verb: string | undefined;
}

const PART = /\/(?:\{(?<field>[a-z_][\w.]*)(?:=(?<inner>[^{}:]+))?\}|(?<plain>\*\*|\*|[\w.~-]+))/y;
const PLAIN = /^(?:\*\*|\*|[\w.~-]+)$/;
const VERB = /^(?::(?<verb>[A-Za-z][\w-]*))?$/;

/**
 * Parses a template by the grammar of google/api/http.proto.
 *
 * @throws Error for what does not follow it.
 */
export function parseTemplate(text: string): Template {
  const segments: Segment[] = [];
  const variables: Variable[] = [];
  const part = new RegExp(PART);
  let end = 0;
  for (let match = part.exec(text); match?.groups; match = part.exec(text)) {
    end = part.lastIndex;
    const { field, inner, plain } = match.groups;
    const start = segments.length;
    for (const piece of (plain ?? inner ?? "*").split("/")) segments.push(parseSegment(piece, text));
    if (field !== undefined) variables.push({ field, start, end: segments.length });
  }
  const tail = VERB.exec(text.slice(end));
  const misplaced = segments.slice(0, -1).some(({ kind }) => kind === "rest");
  if (!tail || segments.length === 0 || misplaced) throw new Error(`${text} is not a path template`);
  return { segments, variables, verb: tail.groups?.verb };
}

/** Splits a path that begins with a slash. */
export function splitPath(path: string): SplitPath {
  const segments = path.slice(1).split("/");
  const last = segments.at(-1) ?? "";
  const colon = last.lastIndexOf(":");
  if (colon < 0) return { segments, verb: undefined };
  return { segments: [...segments.slice(0, -1), last.slice(0, colon)], verb: last.slice(colon + 1) };
}

/** Whether the path is one that the template describes. */
export function matches(template: Template, path: SplitPath): boolean {
  const { segments, verb } = template;
  if (verb !== path.verb) return false;
  const open = segments.at(-1)?.kind === "rest";
  if (open ? path.segments.length < segments.length - 1 : path.segments.length !== segments.length) return false;
  return segments.every((segment, index) => matchesSegment(segment, path.segments[index]));
}

/** Whether some path fits both templates. */
export function overlap(a: Template, b: Template): boolean {
  if (a.verb !== b.verb) return false;
  for (let index = 0; ; index++) {
    const [left, right] = [a.segments[index], b.segments[index]];
    // `**` fits whatever is left of the other, also nothing.
    if (left?.kind === "rest" || right?.kind === "rest") return true;
    if (!left || !right) return left === right;
    if (left.kind === "literal" && right.kind === "literal" && left.text !== right.text) return false;
  }
}

/**
 * The values of a matching path's variables, decoded. In a variable of several segments `%2F` stays as it is, so that
 * it is not taken for a separator (google/api/http.proto).
 *
 * @throws DomainError INVALID_FIELD for percent-encoding that is malformed or not UTF-8.
 */
export function variablesOf(template: Template, path: SplitPath): ReadonlyMap<string, string> {
  return new Map(template.variables.map((variable) => [variable.field, valueOf(template, variable, path)]));
}

/** @throws DomainError INVALID_FIELD for percent-encoding that is malformed or not UTF-8. */
export function decodePercent(text: string, field: string): string {
  const decoded = tryDecode(text);
  if (decoded === undefined) throw new DomainError("INVALID_FIELD", { field, problem: "is not percent-encoded UTF-8" });
  return decoded;
}

function parseSegment(text: string, template: string): Segment {
  if (!PLAIN.test(text)) throw new Error(`${template} is not a path template`);
  if (text === "**") return { kind: "rest" };
  return text === "*" ? { kind: "one" } : { kind: "literal", text };
}

function matchesSegment(segment: Segment, given: string | undefined): boolean {
  if (segment.kind === "rest") return true;
  if (segment.kind === "one") return given !== undefined && given !== "";
  return given === segment.text || (given?.includes("%") === true && tryDecode(given) === segment.text);
}

function valueOf(template: Template, { field, start, end }: Variable, path: SplitPath): string {
  const open = template.segments[end - 1]?.kind === "rest";
  const given = path.segments.slice(start, open ? undefined : end);
  if (end - start === 1 && !open) return decodePercent(given.join("/"), field);
  return given.map((segment) => decodeKeepingSlash(segment, field)).join("/");
}

function decodeKeepingSlash(segment: string, field: string): string {
  return segment
    .split(/(%2f)/i)
    .map((part) => (/^%2f$/i.test(part) ? part : decodePercent(part, field)))
    .join("");
}

function tryDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
