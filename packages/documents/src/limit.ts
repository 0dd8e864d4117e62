import { UnsupportedError } from "./errors.js";

const MAX_LIMIT = 10_000;

/** @throws UnsupportedError unless it is a whole number from 1 to 10,000. */
export function parseLimit(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new UnsupportedError("limit", `must be a whole number from 1 to ${MAX_LIMIT}, not ${limit}.`);
  return limit;
}
