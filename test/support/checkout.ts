import { execFile } from "node:child_process";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = join(__dirname, "../..");
const WORKSPACES = "@reelmesh";

/**
 * Copies the checkout as it is, built, into a folder, to change sources there and build them. Packages of others are
 * those of the checkout; the workspaces' names lead to the copy.
 */
export async function copyCheckout(folder: string): Promise<void> {
  const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  const top = new Set(
    stdout
      .trim()
      .split("\n")
      .map((file) => file.replace(/\/.*/, "")),
  );
  for (const entry of top) {
    await cp(join(ROOT, entry), join(folder, entry), {
      recursive: true,
      // What is built stays newer than what it was built from.
      preserveTimestamps: true,
      filter: (source) => !/\/(node_modules|data|coverage)$/.test(source),
    });
  }
  for (const parent of ["", "gateway", "gateway/web", "cli", ...(await workspaces())])
    await linkPackages(parent, folder);
}

async function workspaces(): Promise<readonly string[]> {
  const folders = await Promise.all(
    ["packages", "services"].map(async (parent) =>
      (await readdir(join(ROOT, parent), { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(parent, name)),
    ),
  );
  return folders.flat();
}

/** Links every package of a folder's node_modules, if it has any. */
async function linkPackages(parent: string, folder: string): Promise<void> {
  const from = join(ROOT, parent, "node_modules");
  const to = join(folder, parent, "node_modules");
  const entries = await readdir(from).catch(() => []);
  if (entries.length > 0) await mkdir(to, { recursive: true });
  for (const entry of entries) {
    // Relative links, which lead to the copy's own workspaces.
    if (entry === WORKSPACES) await cp(join(from, entry), join(to, entry), { recursive: true, verbatimSymlinks: true });
    else await symlink(join(from, entry), join(to, entry));
  }
}
