import { randomBytes } from "node:crypto";
import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CURRENT = "..data";

/**
 * Replaces a folder's files all at once, as Kubernetes does with a Secret's: each file is a link through `..data`,
 * itself a link to the folder that holds them, which one rename exchanges. Files can be read by their owner alone.
 */
export function writeSecretFolder(folder: string, files: Readonly<Record<string, string>>): void {
  const version = `..${randomBytes(6).toString("hex")}`;
  mkdirSync(join(folder, version), { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, version, name), content, { mode: 0o600 });
  }
  const before = linkOf(join(folder, CURRENT));
  const fresh = join(folder, `${version}_link`);
  symlinkSync(version, fresh);
  renameSync(fresh, join(folder, CURRENT));
  for (const name of Object.keys(files)) {
    if (linkOf(join(folder, name)) === undefined) symlinkSync(join(CURRENT, name), join(folder, name));
  }
  if (before !== undefined) rmSync(join(folder, before), { recursive: true, force: true });
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
