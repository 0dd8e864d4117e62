import { createHmac, timingSafeEqual } from "node:crypto";
import type { Keys, Purpose } from "./secret.js";

const MAC_BYTES = 16;
const TOKEN = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22})$/;

/**
 * Signs a value as a short URL-safe token: base64url(JSON), a dot, and the first 128 bits of HMAC-SHA256 (RFC 2104)
 * under the purpose's key. The value can be read by its bearer, never changed.
 */
export function sign(keys: Keys, purpose: Purpose, value: unknown): string {
  const [key] = keys.derive(purpose);
  if (!key) throw new Error("There is no key to sign with");
  const payload = Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${payload}.${mac(key, payload).toString("base64url")}`;
}

/** The value of a token that was signed for this purpose, else undefined. */
export function verify(keys: Keys, purpose: Purpose, token: string): unknown {
  const [, payload, signature] = TOKEN.exec(token) ?? [];
  if (payload === undefined || signature === undefined) return undefined;
  const given = Buffer.from(signature, "base64url");
  // The spare bits of the last character would allow a second spelling of the same signature.
  if (given.toString("base64url") !== signature) return undefined;
  const genuine = keys.derive(purpose).some((key) => timingSafeEqual(mac(key, payload), given));
  return genuine ? JSON.parse(Buffer.from(payload, "base64url").toString()) : undefined;
}

function mac(key: Buffer, payload: string): Buffer {
  return createHmac("sha256", key).update(payload).digest().subarray(0, MAC_BYTES);
}
