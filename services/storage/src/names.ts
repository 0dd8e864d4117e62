import { DomainError } from "@reelmesh/mesh/errors.js";

declare const checked: unique symbol;

/** An object's name that keeps the rules, so that it can be a path on disk and a blob's name as it stands. */
export type ObjectName = string & { readonly [checked]: "object" };
/** Whole leading segments of a name with the `/` after them. */
export type Prefix = string & { readonly [checked]: "prefix" };

// A dot at the end is Azure's: it drops dots that end a segment.
const SEGMENT = /^(?!\.)[A-Za-z0-9._-]{1,128}(?<!\.)$/;
const MAX_SEGMENTS = 8;
/** Azure's limit on a blob's name. */
const MAX_CHARACTERS = 1024;

const RULES =
  "must be 1 to 8 segments joined by `/`, at most 1024 characters, each segment 1 to 128 of A-Z a-z 0-9 . _ - and no dot at its start or end";

/** Whether a text keeps the rules of an object's name. */
export function isObjectName(text: string): text is ObjectName {
  return text.length <= MAX_CHARACTERS && areSegments(text.split("/"), MAX_SEGMENTS);
}

/** @throws DomainError INVALID_FIELD */
export function parseObjectName(field: string, text: string): ObjectName {
  if (isObjectName(text)) return text;
  throw new DomainError("INVALID_FIELD", { field, problem: RULES });
}

/** @throws DomainError INVALID_FIELD */
export function parsePrefix(field: string, text: string): Prefix {
  if (isPrefix(text)) return text;
  throw new DomainError("INVALID_FIELD", { field, problem: `${RULES}, ending in \`/\`` });
}

function isPrefix(text: string): text is Prefix {
  return (
    text.endsWith("/") && text.length < MAX_CHARACTERS && areSegments(text.slice(0, -1).split("/"), MAX_SEGMENTS - 1)
  );
}

function areSegments(segments: readonly string[], atMost: number): boolean {
  return segments.length <= atMost && segments.every((segment) => SEGMENT.test(segment));
}
