import { invalidField } from "./fields.js";
import type { Keys } from "./secret.js";
import { sign, verify } from "./signed.js";

/** Makes and reads the opaque tokens of pages (AIP-158). A token opens the list it was made for, and no other. */
export interface PageTokens {
  make(list: string, position: readonly string[]): string;
  /**
   * The position a token stands for; undefined for the empty token, the first page.
   *
   * @throws DomainError INVALID_FIELD for a token that was altered or made for another list.
   */
  read(list: string, token: string): readonly string[] | undefined;
}

/** @param list in each call names the list with all its arguments and who asked. */
export function createPageTokens(keys: Keys): PageTokens {
  return {
    make: (list, position) => sign(keys, "page-token", [list, ...position]),
    read(list, token) {
      if (token === "") return undefined;
      const value = verify(keys, "page-token", token);
      const parts: readonly unknown[] = Array.isArray(value) ? value : [];
      const [madeFor, ...position] = parts.filter((part) => typeof part === "string");
      if (madeFor !== list) throw invalidField("page_token", "was not made for this list");
      return position;
    },
  };
}
