import { isObject, number, text } from "./parse.js";

/** Why a request failed: RFC 9457's problem details, or no answer at all (status 0, reason UNREACHABLE). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    /** Stable, in upper case, such as RESOURCE_NOT_FOUND. */
    readonly reason: string,
    /** A sentence from the server for people; may be empty. */
    readonly detail: string,
    /** The offending field, with INVALID_FIELD. */
    readonly field = "",
    /** The most that is allowed, with TOO_LARGE; 0 when the server does not say. */
    readonly limitBytes = 0,
  ) {
    super(detail || reason);
  }
}

/** Reads the body of a failed response, whatever it is. */
export function parseProblem(status: number, body: string): Problem {
  const fallback = new Problem(status, status === 404 ? "RESOURCE_NOT_FOUND" : "UNKNOWN", "");
  try {
    const json: unknown = JSON.parse(body);
    if (!isObject(json)) return fallback;
    const reason = text(json, "reason") || fallback.reason;
    return new Problem(status, reason, text(json, "detail"), text(json, "field"), number(json, "limit_bytes"));
  } catch {
    return fallback;
  }
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return new Problem(0, "UNEXPECTED", error.message);
  return new Problem(0, "UNREACHABLE", "");
}
