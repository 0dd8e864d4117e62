import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { commandsOf, testWith } from "../../test/support/commands.js";
import { reelmesh } from "./run.js";
import { startWholeMesh, type WholeMesh } from "./whole-mesh.js";

const run = promisify(execFile);
const BIN = join(__dirname, "../bin/reelmesh.js");
const COMMANDS = commandsOf(readFileSync(join(__dirname, "../../docs/mesh.md"), "utf8"));

/** Whether a command is for a mesh with certificates, whose files it names. */
const isSecure = (command: string) => command.includes("-cacert");

/** Allows faults, and has no certificates. */
const plaintext = () => Promise.resolve({ MESH_FAULTS: "allow" });

async function certificates(folder: string) {
  const out = join(folder, "data/certs");
  expect(await reelmesh(["mesh", "certs", "--out", out, "all"])).toMatchObject({ code: 0 });
  return {
    MESH_TLS_CERT: join(out, "all/tls.crt"),
    MESH_TLS_KEY: join(out, "all/tls.key"),
    MESH_TLS_CA: join(out, "all/ca.crt"),
  };
}

describe.each([
  ["in plaintext", plaintext, COMMANDS.filter((command) => !isSecure(command))],
  ["with certificates", certificates, COMMANDS.filter(isSecure)],
] as const)("docs/mesh.md, %s", (_, prepare, commands) => {
  let mesh: WholeMesh;
  beforeAll(async () => {
    mesh = await startWholeMesh(prepare);
  });
  afterAll(() => mesh.stop());

  /** A command as it is here, where ports are free ones. */
  const here = (command: string) =>
    command
      .replaceAll("npx --no-install reelmesh", `"${process.execPath}" "${BIN}"`)
      .replaceAll("localhost:7002", mesh.addressOf("catalog"))
      .replaceAll("localhost:9090", mesh.opsAddress);

  for (const command of commands) {
    const program = command.split(" ")[0] ?? "";
    testWith(program, command, async () => {
      const env = { ...process.env, REELMESH_OPS: mesh.opsAddress, REELMESH_DATA: join(mesh.folder, "data") };
      const { stdout } = await run("sh", ["-c", `set -e; ${here(command)}`], { env, cwd: mesh.folder });
      expect(stdout.trim()).not.toBe("");
    });
  }
});
