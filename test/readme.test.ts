import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { access, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { copyCheckout } from "./support/checkout.js";
import { createCleanup } from "./support/cleanup.js";
import { commandsOf, testWith } from "./support/commands.js";
import { FREE_PORTS, startWholeMesh, type WholeMesh } from "./support/mesh.js";
import { startShell } from "./support/shell.js";
import { until } from "./support/until.js";

const run = promisify(execFile);
const ROOT = join(__dirname, "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const cleanup = createCleanup();

/** Commands that are proven elsewhere, by the file and the words in it. */
const PROVEN_ELSEWHERE: Readonly<Record<string, readonly [file: string, words: string]>> = {
  "npm ci": [".ci/run", "npm ci"],
  "npm test": [".ci/run", "npm test"],
  "npm run lint": [".ci/run", "npm run lint"],
  "npm run check": [".ci/run", "npm run check"],
  "npm run breaking": [".ci/run", "npm run breaking"],
  "npm run generate": ["scripts/prepare.mjs", "./generate.mjs"],
};
/** Commands that have a test below. */
const LASTING = ["npm start", "npm run dev", "npm run bench start"];
const COMMANDS = commandsOf(README);
const startingWith = (words: string) => COMMANDS.filter((command) => command.startsWith(words));

afterAll(() => cleanup.run());

test("the README has no command that nothing runs", () => {
  const unproven = COMMANDS.filter((command) => {
    const proof = PROVEN_ELSEWHERE[command];
    if (proof) return !readFileSync(join(ROOT, proof[0]), "utf8").includes(proof[1]);
    return !LASTING.includes(command) && !/^(curl -s|grpcurl|npx --no-install reelmesh) /.test(command);
  });
  expect(unproven).toEqual([]);
  expect(COMMANDS).toEqual(expect.arrayContaining(LASTING));
});

describe("beside a mesh at work", () => {
  let environment: Record<string, string>;
  let mesh: WholeMesh;
  /** Where the README's addresses are in this run, which takes free ports. */
  let addresses: ReadonlyMap<string, string>;

  beforeAll(async () => {
    const data = { REELMESH_DATA: await cleanup.folder() };
    mesh = await startWholeMesh(data);
    cleanup.add(() => mesh.stop());
    environment = { ...data, REELMESH_OPS: mesh.opsAddress };
    addresses = new Map([
      ["localhost:8080", mesh.addressOf("gateway")],
      ["localhost:7002", mesh.addressOf("catalog")],
      ["localhost:9090", mesh.opsAddress],
    ]);
  });

  async function shell(command: string): Promise<string> {
    const env = { ...process.env, ...environment };
    const here = command.replace(/localhost:\d+/g, (address) => addresses.get(address) ?? address);
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", here], { cwd: ROOT, env, maxBuffer: 2 ** 26 });
    return stdout;
  }

  test.each(startingWith("curl -s"))("%s", async (command) => {
    expect(JSON.parse(await shell(command))).toBeInstanceOf(Object);
  });

  test.each(startingWith("npx --no-install reelmesh mesh"))("%s", async (command) => {
    expect(await shell(command)).toContain("catalog");
  });

  test.each(startingWith("npx --no-install reelmesh token"))("%s", async (command) => {
    expect(await shell(command)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  for (const command of startingWith("grpcurl")) {
    testWith("grpcurl", command, async () => {
      expect((await shell(command)).length).toBeGreaterThan(0);
    });
  }
});

describe("in a copy of the checkout", () => {
  let folder: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = await cleanup.folder();
    environment = { ...FREE_PORTS, REELMESH_DATA: await cleanup.folder() };
    await copyCheckout(folder);
    await run("node", ["scripts/build.mjs"], { cwd: folder });
  }, 120_000);

  const begin = (command: string) => {
    const running = startShell(command, { cwd: folder, env: environment });
    cleanup.add(() => running.kill());
    return running;
  };
  const serves = async (url: string) => (await fetch(`${url}/api/v1/videos`)).status === 200;
  const answers = (url: string) =>
    fetch(url).then(
      () => true,
      () => false,
    );

  test("npm start serves until SIGTERM", async () => {
    const running = begin("npm start");
    const url = await running.says(/^Reelmesh is at (\S+)$/m);
    expect(await serves(url)).toBe(true);
    running.signal("SIGTERM");
    await running.ended;
    expect(await answers(url)).toBe(false);
  }, 120_000);

  test.each(["SIGINT", "SIGTERM"] as const)(
    "npm run dev serves, takes up an edit, and leaves nothing behind at %s",
    async (signal) => {
      const running = begin("npm run dev");
      const first = await running.says(/^Reelmesh is at (\S+)$/m);
      expect(await serves(first)).toBe(true);
      const source = join(folder, "services/all.ts");
      const text = await readFile(source, "utf8");
      await writeFile(source, text.replace("Reelmesh is at", `Reelmesh edited for ${signal} is at`));
      const second = await running.says(new RegExp(`^Reelmesh edited for ${signal} is at (\\S+)$`, "m"));
      expect(await serves(second)).toBe(true);
      await until(async () => !(await answers(first)));
      running.signal(signal);
      await running.ended;
      await until(async () => !(await answers(second)));
      await writeFile(source, text);
    },
    180_000,
  );

  test("npm run bench start measures, and says so", async () => {
    const running = begin("npm run bench start");
    expect(await running.says(/^== (\w+)$/m)).toBe("start");
    expect(Number(await running.says(/^ *ready \(s\) .*?([\d.]+)\s*$/m))).toBeGreaterThan(0);
    expect(await running.ended).toBe(0);
  }, 300_000);
});

test("the README links to files that are there", async () => {
  for (const [, target = ""] of README.matchAll(/\]\((?!http)([^)#]+)\)/g)) await access(join(ROOT, target));
  for (const [, path = ""] of README.matchAll(/`((?:packages|services|gateway|proto|test|bench|cli)\/[\w/.-]*)`/g)) {
    expect((await stat(join(ROOT, path))).size).toBeGreaterThan(0);
  }
});

test("the README names variables that the code reads", async () => {
  const settings = await readFile(join(ROOT, "docs/operations.md"), "utf8");
  const variables = [...README.matchAll(/`([A-Z]+_[A-Z_]+|DBHOST)\b/g)].map(([, name = ""]) => name);
  expect(variables.length).toBeGreaterThan(5);
  const ofTests = (name: string) => name.startsWith("TEST_");
  expect(variables.filter((name) => !ofTests(name) && !settings.includes(`| \`${name}\``))).toEqual([]);
});
