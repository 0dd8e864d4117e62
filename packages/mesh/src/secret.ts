import { hkdfSync, randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "./environment.js";

/** What a derived key is for. Each purpose has its own, so that a token for one never opens another. */
export type Purpose = "service-token" | "principal-token" | "capability" | "grant" | "page-token";

/** The mesh's keys: the first signs, all verify, so that the secret can be rotated without a failed call. */
export interface Keys {
  /** 32 bytes for each secret in force, the signing one first. */
  derive(purpose: Purpose): readonly Buffer[];
}

/** Derives keys by HKDF-SHA256 (RFC 5869) from secrets of 32 bytes or more. */
export function createKeys(secrets: readonly Buffer[]): Keys {
  const derived = new Map<Purpose, readonly Buffer[]>();
  return {
    derive(purpose) {
      const known = derived.get(purpose);
      if (known) return known;
      const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", `reelmesh ${purpose}`, 32)));
      derived.set(purpose, keys);
      return keys;
    },
  };
}

/**
 * Reads `MESH_SECRET`: one secret, or two with a comma between them while rotating, each 32 bytes or more as base64
 * or hexadecimal. A process of several modules makes its own under `<data>/keys` when none is given.
 */
export function readSecrets(environment: Environment): readonly Buffer[] {
  const given = environment.optional("MESH_SECRET");
  if (given === undefined) {
    if (!environment.alone) return [keptSecret(dataFolder(environment))];
    environment.fault("MESH_SECRET", undefined, "32 random bytes, such as `openssl rand -base64 32` prints");
    return [];
  }
  const secrets = given.split(",").map((part) => decode(part.trim()));
  if (secrets.length <= 2 && secrets.every((secret) => secret.length >= 32)) return secrets;
  environment.fault("MESH_SECRET", undefined, "one or two secrets, each 32 bytes or more as base64 or hexadecimal");
  return [];
}

/** Where a process of several modules keeps its data. */
export function dataFolder(environment: Environment): string {
  return environment.string("REELMESH_DATA", { default: "data" });
}

function decode(text: string): Buffer {
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) && text.length >= 64
    ? Buffer.from(text, "hex")
    : Buffer.from(text, "base64");
}

/** Reads the secret kept under a data folder, and makes it first where there is none. */
function keptSecret(folder: string): Buffer {
  const keys = join(folder, "keys");
  const file = join(keys, "mesh-secret");
  const read = () => decode(readFileSync(file, "utf8").trim());
  try {
    return read();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  chmodSync(keys, 0o700);
  const draft = join(keys, `.mesh-secret-${randomBytes(6).toString("hex")}`);
  writeFileSync(draft, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600, flush: true });
  try {
    // A link, unlike a rename, leaves the secret that another process made meanwhile.
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return read();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
