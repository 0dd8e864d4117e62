import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import { sign, verify } from "@reelmesh/mesh/signed.js";

/** The right of one viewer to open one video's media, until a moment or until catalog raises the access epoch. */
export interface Grant {
  /** `videos/{video}`. */
  readonly video: string;
  /** `users/{user}`. */
  readonly viewer: string;
  readonly accessEpoch: bigint;
  readonly expires: Date;
}

/** The grant of videos that anybody may watch. */
export const OPEN_GRANT = "-";

/** Signs a grant. */
export function mintGrant(keys: Keys, grant: Grant): string {
  const { video, viewer, accessEpoch, expires } = grant;
  return sign(keys, "grant", [video, viewer, String(accessEpoch), Math.floor(expires.getTime() / 1000)]);
}

/**
 * Reads a grant for one video.
 *
 * @throws DomainError GRANT_INVALID when it is altered, expired or for another video.
 */
export function readGrant(keys: Keys, token: string, video: string, now: Date): Grant {
  const grant = parse(verify(keys, "grant", token));
  if (!grant) throw grantInvalid("it was altered or cut off");
  if (grant.video !== video) throw grantInvalid("it is for another video");
  if (grant.expires <= now) throw grantInvalid("it has expired");
  return grant;
}

/** Says that a grant opens nothing. */
export function grantInvalid(problem: string): DomainError {
  return new DomainError("GRANT_INVALID", { problem });
}

function parse(value: unknown): Grant | undefined {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [];
  const [video, viewer, accessEpoch, seconds] = parts;
  if (typeof video !== "string" || typeof viewer !== "string") return undefined;
  if (typeof accessEpoch !== "string" || typeof seconds !== "number") return undefined;
  return { video, viewer, accessEpoch: BigInt(accessEpoch), expires: new Date(seconds * 1000) };
}
