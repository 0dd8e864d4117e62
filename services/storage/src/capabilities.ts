import { openCapability, type Capability, type Verb } from "@reelmesh/mesh/capability.js";
import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { ObjectName } from "./names.js";

/**
 * Opens a capability to discard what all writers of an object staged: one to write or to delete, and not bound to a
 * fence, which is the mark of one writer among several.
 *
 * @throws DomainError CAPABILITY_INVALID
 */
export function openToDiscard(keys: Keys, token: string, object: ObjectName): void {
  const { fence } = openEither(keys, token, object, "delete", "write");
  if (fence !== undefined)
    throw new DomainError("CAPABILITY_INVALID", { problem: "it is for one fence, and this concerns all" });
}

function openEither(keys: Keys, token: string, object: ObjectName, first: Verb, second: Verb): Capability {
  try {
    return openCapability(keys, token, { object, verb: first });
  } catch (error) {
    if (!isDomainError(error, "CAPABILITY_INVALID")) throw error;
    return openCapability(keys, token, { object, verb: second });
  }
}
