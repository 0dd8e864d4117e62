import { DomainError } from "./errors.js";
import type { Keys } from "./secret.js";
import { sign, verify } from "./signed.js";

/** What a capability allows to do with what it opens. */
export type Verb = "read" | "write" | "delete" | "list";

/** The right to touch one object, or all objects under a prefix, until a moment. */
export interface Capability {
  /** An object's name, or a prefix that ends in `/`. */
  readonly opens: string;
  readonly verbs: readonly Verb[];
  readonly expires: Date;
  /** Writes must bear this fence. Absent: any. */
  readonly fence?: number;
}

const VERBS: readonly Verb[] = ["read", "write", "delete", "list"];

/** Signs a capability. */
export function mintCapability(keys: Keys, capability: Capability): string {
  const seconds = Math.floor(capability.expires.getTime() / 1000);
  return sign(keys, "capability", [capability.opens, capability.verbs.join(" "), seconds, capability.fence ?? null]);
}

/**
 * Opens a capability for one use.
 *
 * @param use the object, or for `list` the prefix, and the verb.
 * @throws DomainError CAPABILITY_INVALID when it is altered, expired, or for something else.
 */
export function openCapability(
  keys: Keys,
  token: string,
  use: { object: string; verb: Verb },
  now = new Date(),
): Capability {
  const capability = parse(verify(keys, "capability", token));
  if (!capability) throw invalid("it was altered or is not a capability");
  if (capability.expires <= now) throw invalid("it has expired");
  if (!capability.verbs.includes(use.verb)) throw invalid(`it is not for ${use.verb}`);
  const { opens } = capability;
  if (opens !== use.object && !(opens.endsWith("/") && use.object.startsWith(opens)))
    throw invalid("it is for another object");
  return capability;
}

function parse(value: unknown): Capability | undefined {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [];
  const [opens, verbs, seconds, fence] = parts;
  if (typeof opens !== "string" || typeof verbs !== "string" || typeof seconds !== "number") return undefined;
  return {
    opens,
    verbs: VERBS.filter((verb) => verbs.split(" ").includes(verb)),
    expires: new Date(seconds * 1000),
    ...(typeof fence === "number" ? { fence } : {}),
  };
}

function invalid(problem: string): DomainError {
  return new DomainError("CAPABILITY_INVALID", { problem });
}
