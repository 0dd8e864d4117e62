import { hkdfSync, randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
 * Reads `MESH_SECRET`, or the file that `MESH_SECRET_FILE` names: one secret, or two with a comma between them while
 * rotating, each 32 bytes or more as base64 or hexadecimal. A process of several modules makes its own under
 * `<data>/keys` when none is given.
 */
export function readSecrets(environment: Environment): readonly Buffer[] {
  const given = environment.optional("MESH_SECRET");
  const file = environment.optional("MESH_SECRET_FILE");
  if (file !== undefined) return secretsInFile(environment, file, given);
  if (given !== undefined) return spelled(environment, "MESH_SECRET", given);
  if (!environment.alone) return keptSecrets(environment);
  environment.fault("MESH_SECRET", undefined, "32 random bytes, such as `openssl rand -base64 32` prints");
  return [];
}

function secretsInFile(environment: Environment, file: string, given: string | undefined): readonly Buffer[] {
  if (given !== undefined) {
    environment.fault("MESH_SECRET_FILE", file, "either it or MESH_SECRET, not both");
    return [];
  }
  try {
    return spelled(environment, "MESH_SECRET_FILE", readFileSync(file, "utf8"));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    environment.fault("MESH_SECRET_FILE", file, `a file that can be read (${problem})`);
    return [];
  }
}

function spelled(environment: Environment, variable: string, text: string): readonly Buffer[] {
  const parts = text.split(",");
  const secrets = parts.map((part) => decode(part.trim())).filter((secret) => secret !== undefined);
  if (parts.length <= 2 && secrets.length === parts.length) return secrets;
  environment.fault(variable, undefined, "one or two secrets, each 32 bytes or more as base64 or hexadecimal");
  return [];
}

/** Where a process of several modules keeps its data. */
export function dataFolder(environment: Environment): string {
  return environment.string("REELMESH_DATA", { default: "data" });
}

/** The secret that a text spells; undefined when it spells none or a short one. */
function decode(text: string): Buffer | undefined {
  if (/^(?:[0-9a-fA-F]{2}){32,}$/.test(text)) return Buffer.from(text, "hex");
  const secret = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
  return secret && secret.length >= 32 ? secret : undefined;
}

/** The secret kept under the data folder, made there first when there is none. */
function keptSecrets(environment: Environment): readonly Buffer[] {
  const folder = dataFolder(environment);
  const file = join(folder, "keys", "mesh-secret");
  try {
    if (!existsSync(file)) makeSecret(file);
    const secret = decode(readFileSync(file, "utf8").trim());
    if (secret) return [secret];
    environment.fault(
      "REELMESH_DATA",
      folder,
      `a folder whose ${file} is whole: restore it, or remove it for a new one`,
    );
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    environment.fault("REELMESH_DATA", folder, `a folder to keep data in (${problem})`);
  }
  return [];
}

function makeSecret(file: string): void {
  const keys = dirname(file);
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
}
