import { DomainError } from "./errors.js";

/** An INVALID_FIELD error. */
export function invalidField(field: string, problem: string): DomainError {
  return new DomainError("INVALID_FIELD", { field, problem });
}

/**
 * The last part of a resource name (AIP-122), such as `abc` of `videos/abc`.
 *
 * @param pattern its form with `*` for the part, such as `videos/*`.
 * @throws DomainError INVALID_FIELD when the name has another form.
 */
export function resourceId(field: string, name: string, pattern: string): string {
  const [before = "", after = ""] = pattern.split("*");
  const id = name.slice(before.length, name.length - after.length);
  if (name === `${before}${id}${after}` && /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(id)) return id;
  throw invalidField(field, `must have the form ${pattern.replace("*", "{id}")}`);
}

/**
 * A text that people wrote: trimmed, in Unicode's composed form (NFC), its length counted in code points.
 *
 * @throws DomainError INVALID_FIELD when it is too short or too long, or has control characters (`lines` allows line
 * breaks and tabs), characters that turn the direction of writing around, or bytes that were not UTF-8.
 */
export function text(field: string, value: string, bounds: { min: number; max: number; lines?: boolean }): string {
  const clean = value.normalize("NFC").trim();
  const length = Array.from(clean).length;
  if (length > bounds.max) throw invalidField(field, `has ${length} characters, at most ${bounds.max} are allowed`);
  if (length < bounds.min)
    throw invalidField(field, bounds.min === 1 ? "must not be empty" : `needs ${bounds.min} characters`);
  const checked = bounds.lines === true ? clean.replace(/[\n\r\t]/g, "") : clean;
  if (/\p{Cc}|\p{Cs}|[\u202A-\u202E\u2066-\u2069\u2028\u2029]/u.test(checked))
    throw invalidField(field, "must not have control characters");
  if (clean.includes("\uFFFD")) throw invalidField(field, "is not valid UTF-8");
  return clean;
}

/**
 * How many results to put on a page (AIP-158).
 *
 * @throws DomainError INVALID_FIELD when it is negative.
 */
export function pageSize(value: number, bounds: { default: number; max: number }): number {
  if (value < 0) throw invalidField("page_size", "must not be negative");
  return value === 0 ? bounds.default : Math.min(value, bounds.max);
}

/**
 * A client's request id (AIP-155).
 *
 * @throws DomainError INVALID_FIELD when it has another form.
 */
export function requestId(value: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(value)) return value;
  throw invalidField("request_id", "must be 1 to 64 letters, digits or hyphens");
}
