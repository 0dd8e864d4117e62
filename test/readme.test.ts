import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { access, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createCleanup } from "./support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "./support/mesh.js";

const run = promisify(execFile);
const ROOT = join(__dirname, "..");
const cleanup = createCleanup();

/** Commands that are proven elsewhere: by the script that checks every change, or by the tests named. */
const PROVEN_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "npm ci": [".ci/run", "npm ci"],
  "npm test": [".ci/run", "npm test"],
  "npm run lint": [".ci/run", "npm run lint"],
  "npm run check": [".ci/run", "npm run check"],
  "npm run breaking": [".ci/run", "npm run breaking"],
  "npm run generate": ["scripts/prepare.mjs", "./generate.mjs"],
};

let readme: string;
let grpcurl: boolean;
let environment: Record<string, string>;
let mesh: WholeMesh;
/** Where the README's addresses are in this run, which takes free ports. */
let addresses: ReadonlyMap<string, string>;

beforeAll(async () => {
  readme = await readFile(join(ROOT, "README.md"), "utf8");
  grpcurl = await run("grpcurl", ["-version"]).then(
    () => true,
    () => false,
  );
  const data = { REELMESH_DATA: await cleanup.folder() };
  mesh = await startWholeMesh(data);
  environment = { ...data, REELMESH_OPS: mesh.opsAddress };
  addresses = new Map([
    ["localhost:8080", mesh.addressOf("gateway")],
    ["localhost:7002", mesh.addressOf("catalog")],
    ["localhost:9090", mesh.opsAddress],
  ]);
});
afterAll(async () => {
  await mesh.stop();
  await cleanup.run();
});

const commandsOf = (text: string) =>
  [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line !== ""),
  );

async function shell(command: string): Promise<string> {
  const env = { ...process.env, ...environment };
  const here = command.replace(/localhost:\d+/g, (address) => addresses.get(address) ?? address);
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", here], { cwd: ROOT, env, maxBuffer: 2 ** 26 });
  return stdout;
}

describe("the README", () => {
  test("names no command that nothing runs", async () => {
    const commands = commandsOf(readme);
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      const proof = PROVEN_ELSEWHERE[command];
      if (proof === undefined)
        expect(command).toMatch(/^(curl -s|grpcurl|npx --no-install reelmesh|npm (start|run dev|run bench)$)/);
      else expect(await readFile(join(ROOT, proof[0] ?? ""), "utf8")).toContain(proof[1]);
    }
  });

  test("says what answers at its addresses", async () => {
    for (const command of commandsOf(readme).filter((line) => line.startsWith("curl -s"))) {
      expect(JSON.parse(await shell(command))).toBeInstanceOf(Object);
    }
    expect(await shell("npx --no-install reelmesh token")).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const ofTheMesh = commandsOf(readme).filter((line) => line.startsWith("npx --no-install reelmesh mesh"));
    expect(ofTheMesh.length).toBeGreaterThan(2);
    for (const command of ofTheMesh) expect(await shell(command)).toContain("catalog");
  });

  test("shows grpcurl commands that work, skipped where there is no grpcurl", async () => {
    const commands = commandsOf(readme).filter((line) => line.startsWith("grpcurl"));
    expect(commands.length).toBeGreaterThan(3);
    if (!grpcurl && process.env.CI !== "true") return;
    for (const command of commands) expect((await shell(command)).length).toBeGreaterThan(0);
  }, 60_000);

  test("links to files that are there", async () => {
    for (const [, target = ""] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) await access(join(ROOT, target));
    for (const [, path = ""] of readme.matchAll(/`((?:packages|services|gateway|proto|test|bench|cli)\/[\w/.-]*)`/g)) {
      expect((await stat(join(ROOT, path))).size).toBeGreaterThan(0);
    }
  });

  test("names variables that the code reads", async () => {
    const sources = await shell(
      "cat $(git ls-files 'packages/*/src/*.ts' 'services/*/src/**' 'gateway/src/**' 'packages/**/src/**')",
    );
    const table = readme.split("\n").filter((line) => line.startsWith("| `") && /`[A-Z_]+`/.test(line));
    const variables = table.flatMap((line) =>
      [...(line.split("|")[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name),
    );
    expect(variables.length).toBeGreaterThan(15);
    for (const name of variables) {
      // A service's addresses are made of its name.
      if (!/_(LISTEN|ADDRESS)$/.test(name)) expect(sources).toContain(name);
    }
  });
});
