import { SignJWT, decodeJwt, errors, jwtVerify } from "jose";
import type { Principal } from "./call.js";
import { DomainError } from "./errors.js";
import type { Keys } from "./secret.js";

/** A caller whose clock is a quarter of an hour slow still has one that holds when it makes the next. */
const SERVICE_TOKEN_SECONDS = 1200;
const RENEWAL_SECONDS = 300;
/** How far two machines' clocks may be apart, besides. */
const CLOCK_TOLERANCE_SECONDS = 60;
const REMEMBERED_TOKENS = 1000;
const EXPIRED = "it has expired, or the clocks of two machines differ by too much";

/** Mints and verifies the tokens that say who calls: JWT (RFC 7519), HS256, one key a purpose. */
export interface Tokens {
  /** The token of a service, good for 20 minutes; the same one for five. */
  forService(name: string): Promise<string>;
  /** A token of a person, good for `seconds`. */
  forPrincipal(principal: Principal, seconds: number): Promise<string>;
  /** The service that a token names. @throws DomainError TOKEN_INVALID */
  serviceOf(token: string): Promise<string>;
  /**
   * The service that a token named when it was made, however long ago by whichever clock: for a caller that its
   * certificate proves already. @throws DomainError TOKEN_INVALID
   */
  signerOf(token: string): Promise<string>;
  /** The person that a token names. @throws DomainError TOKEN_INVALID */
  principalOf(token: string): Promise<Principal>;
}

interface Verified {
  readonly subject: string;
  readonly expiresMs: number;
}

/** What a token names, ready to be given out. */
interface Remembered<T> {
  readonly named: Promise<T>;
  readonly expiresMs: number;
}

/** Tokens under the mesh's keys. A token's bytes are verified once and remembered until it expires. */
export function createTokens(keys: Keys, now: () => number = Date.now): Tokens {
  const minted = new Map<string, { token: Promise<string>; renewMs: number }>();
  const services = new Map<string, Remembered<string>>();
  const principals = new Map<string, Remembered<Principal>>();
  const signers = new Map<string, Remembered<string>>();

  const mint = async (purpose: "service-token" | "principal-token", subject: string, seconds: number) => {
    const [key] = keys.derive(purpose);
    if (!key) throw new Error("There is no key to sign with");
    const issued = Math.floor(now() / 1000);
    const claims = new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject(subject);
    return claims
      .setIssuedAt(issued)
      .setExpirationTime(issued + seconds)
      .sign(key);
  };

  /** What a token names: as it is remembered, or else verified at the given time. */
  const look = <T>(
    purpose: "service-token" | "principal-token",
    known: Map<string, Remembered<T>>,
    token: string,
    name: (subject: string) => T,
    at: (token: string) => Date = () => new Date(now()),
  ): Promise<T> => {
    const remembered = known.get(token);
    if (remembered && remembered.expiresMs > now()) return remembered.named;
    known.delete(token);
    return verifyWithAny(keys.derive(purpose), token, at(token)).then(({ subject, expiresMs }) => {
      const named = name(subject);
      remember(known, token, { named: Promise.resolve(named), expiresMs });
      return named;
    });
  };
  const asIs = (subject: string) => subject;

  return {
    forService(name) {
      const held = minted.get(name);
      if (held && held.renewMs > now()) return held.token;
      const token = mint("service-token", name, SERVICE_TOKEN_SECONDS);
      minted.set(name, { token, renewMs: now() + RENEWAL_SECONDS * 1000 });
      return token;
    },
    forPrincipal: (principal, seconds) => mint("principal-token", principal.name, seconds),
    serviceOf: (token) => look("service-token", services, token, asIs),
    signerOf: (token) => look("service-token", signers, token, asIs, issuedAt),
    principalOf: (token) => look("principal-token", principals, token, (name) => ({ name })),
  };
}

async function verifyWithAny(verifyingKeys: readonly Buffer[], token: string, currentDate: Date): Promise<Verified> {
  for (const key of verifyingKeys) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate,
        requiredClaims: ["sub", "exp"],
      });
      if (payload.sub !== undefined && payload.exp !== undefined) {
        return { subject: payload.sub, expiresMs: (payload.exp + CLOCK_TOLERANCE_SECONDS) * 1000 };
      }
    } catch (error) {
      // Only a token whose signature is right is found to have expired.
      if (error instanceof errors.JWTExpired) throw new DomainError("TOKEN_INVALID", { problem: EXPIRED });
      // Another key may fit: two are in force while the secret is rotated.
    }
  }
  throw new DomainError("TOKEN_INVALID", { problem: "it was altered, or is of another mesh" });
}

/** When a token says it was made; now for what is no token. */
function issuedAt(token: string): Date {
  try {
    const { iat } = decodeJwt(token);
    if (iat !== undefined) return new Date(iat * 1000);
  } catch {
    // The verification says what is wrong with it.
  }
  return new Date();
}

function remember<T>(known: Map<string, Remembered<T>>, token: string, value: Remembered<T>): void {
  const [oldest] = known.keys();
  if (known.size >= REMEMBERED_TOKENS && oldest !== undefined) known.delete(oldest);
  known.set(token, value);
}
