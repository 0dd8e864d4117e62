import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startWholeMesh, type WholeMesh } from "./whole-mesh.js";

const run = promisify(execFile);
const BIN = join(__dirname, "../bin/reelmesh.js");
const text = readFileSync(join(__dirname, "../../docs/mesh.md"), "utf8");
const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) => block.trim().split("\n"));

let mesh: WholeMesh;
beforeAll(async () => {
  mesh = await startWholeMesh();
});
afterAll(() => mesh.stop());

/** A command as it is here, where ports are free ones. */
function here(command: string): string {
  return command
    .replaceAll("npx --no-install reelmesh", `"${process.execPath}" "${BIN}"`)
    .replaceAll("localhost:7002", mesh.addressOf("catalog"))
    .replaceAll("localhost:9090", mesh.opsAddress);
}

function isThere(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return process.env.CI === "true";
  }
}

for (const command of commands) {
  const program = command.split(" ")[0] ?? "";
  const there = isThere(program);
  (there ? test : test.skip)(`docs/mesh.md: ${command}${there ? "" : ` (needs ${program})`}`, async () => {
    const env = { ...process.env, REELMESH_OPS: mesh.opsAddress, REELMESH_DATA: join(mesh.folder, "data") };
    const { stdout } = await run("sh", ["-c", `set -e; ${here(command)}`], { env, cwd: mesh.folder });
    expect(stdout.trim()).not.toBe("");
  });
}
