import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import { sign, verify } from "@reelmesh/mesh/signed.js";
import type { Prefix } from "./names.js";

/** Sets these tokens apart from other services' page tokens, which the same key signs. */
const LIST = "storage.objects";

/** A page token for a place in the list of a prefix, as the store names it; empty for no further page. */
export function mintPageToken(keys: Keys, prefix: Prefix, next: string | undefined): string {
  return next === undefined ? "" : sign(keys, "page-token", [LIST, prefix, next]);
}

/**
 * The place that a page token is for.
 *
 * @throws DomainError INVALID_FIELD when it was not made for the list of this prefix.
 */
export function openPageToken(keys: Keys, prefix: Prefix, token: string): string | undefined {
  if (token === "") return undefined;
  const value = verify(keys, "page-token", token);
  const parts: unknown[] = Array.isArray(value) ? value : [];
  const [list, madeFor, from] = parts;
  if (list === LIST && madeFor === prefix && typeof from === "string") return from;
  throw new DomainError("INVALID_FIELD", { field: "page_token", problem: "was not made for this list" });
}
