// Holds the contracts against those of another commit, default main, or on main itself the commit before.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const git = (...args) =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
const buf = join(root, "node_modules/.bin/buf");

function base() {
  if (process.argv[2]) return process.argv[2];
  for (const name of ["origin/main", "main", "HEAD~1"]) {
    try {
      if (git("rev-parse", name) !== git("rev-parse", "HEAD")) return name;
    } catch {
      // A clone without that name: the next one.
    }
  }
  return undefined;
}

const against = base();
if (!against) {
  console.log("There is no earlier commit to compare the contracts with.");
  process.exit(0);
}
const before = mkdtempSync(join(tmpdir(), "reelmesh-contracts-"));
try {
  const archive = execFileSync("git", ["archive", against, "proto", "buf.yaml"], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync("tar", ["-x"], { cwd: before, input: archive });
  cpSync(join(root, "node_modules/protobufjs/google"), join(before, "node_modules/protobufjs/google"), {
    recursive: true,
  });
  execFileSync(buf, ["breaking", "--against", before], { cwd: root, stdio: "inherit" });
  console.log(`The contracts break nothing that ${against} promised.`);
} catch (error) {
  process.exitCode = error.status ?? 1;
} finally {
  rmSync(before, { recursive: true, force: true });
}
