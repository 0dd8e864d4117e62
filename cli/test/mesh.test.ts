import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { modules } from "@reelmesh/all/modules.js";
import { createServer, type Server } from "node:net";
import { reelmesh, start } from "./run.js";
import { startWholeMesh, type WholeMesh } from "./whole-mesh.js";

let mesh: WholeMesh;
let environment: Record<string, string>;

beforeAll(async () => {
  mesh = await startWholeMesh();
  environment = { REELMESH_OPS: mesh.opsAddress };
});
afterAll(() => mesh.stop());

const askForVideos = () => fetch(`http://${mesh.addressOf("gateway")}/api/v1/videos`);

/** Waits for what a live command writes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("reelmesh mesh check", () => {
  test("says of every module that it is ready", async () => {
    const { code, stdout } = await reelmesh(["mesh", "check"], environment);
    expect(code).toBe(0);
    for (const { name } of modules)
      expect(stdout).toMatch(new RegExp(`^✓  ${name} +ready at 127\\.0\\.0\\.1:\\d+$`, "m"));
    expect(stdout).toContain("reachable, version 0.1.0");
    expect(stdout).not.toContain("\u001b");
  });

  test("says the same as JSON", async () => {
    const { code, stdout } = await reelmesh(["mesh", "check", "--json"], environment);
    expect(code).toBe(0);
    const findings: unknown = expect.arrayContaining([
      { subject: "gateway", ok: true, what: `ready at ${mesh.addressOf("gateway")}` },
    ]);
    expect(JSON.parse(stdout)).toEqual({ ok: true, findings });
  });

  describe("where something is wrong", () => {
    let closed: Server;
    let address: string;
    beforeEach(async () => {
      closed = createServer();
      await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
      const bound = closed.address();
      address = `127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
      await new Promise((resolve) => closed.close(resolve));
    });

    test("says what, beside what is well, and ends with code 1", async () => {
      const { code, stdout, stderr } = await reelmesh(["mesh", "check", "--ops", `${mesh.opsAddress},${address}`]);
      expect(code).toBe(1);
      expect(stdout).toMatch(new RegExp(`^✗  ${address} +nothing listens there$`, "m"));
      expect(stdout).toMatch(/^✓ {2}catalog +ready/m);
      expect(stderr).toBe("1 problem\n");
    });

    test.each([["stat"], ["graph"], ["tap", "catalog"]])("mesh %s says what when nothing answers", async (...words) => {
      expect(await reelmesh(["mesh", ...words, "--ops", address])).toEqual({
        code: 1,
        stdout: "",
        stderr: `${address}: nothing listens there\n`,
      });
    });

    test("does not take the edge for an operators' port", async () => {
      const { code, stdout } = await reelmesh(["mesh", "check", "--ops", mesh.addressOf("gateway")]);
      expect(code).toBe(1);
      expect(stdout).toContain("is no operators' port of Reelmesh");
    });
  });
});

describe("reelmesh mesh stat", () => {
  test("shows each route once where nobody watches, aligned", async () => {
    await askForVideos();
    const { code, stdout } = await reelmesh(["mesh", "stat"], environment);
    expect(code).toBe(0);
    const [head = "", ...rows] = stdout.trimEnd().split("\n");
    expect(head.split(/ {2,}/)).toEqual([
      "CALLER > SERVICE",
      "RPS",
      "SUCCESS",
      "P50",
      "P99",
      "RETRIES/S",
      "HEDGES/S",
      "SHED/S",
      "REPLICAS",
      "EJECTED",
    ]);
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([head.length]));
    expect(stdout).toMatch(/^gateway > catalog +\d/m);
    expect(stdout).toMatch(/^upload > storage /m);
  });

  test("shows the same as JSON, one line a time until it is interrupted", async () => {
    await askForVideos();
    const running = start(["mesh", "stat", "--json"], environment);
    await until(() => running.stdout().split("\n").length > 2);
    running.interrupt();
    const { stdout } = await running.ended;
    const [first = ""] = stdout.split("\n");
    const edges: unknown = expect.arrayContaining([
      expect.objectContaining({ caller: "gateway", service: "catalog", success: 1, backends: 1, ejected: 0 }),
    ]);
    expect(JSON.parse(first)).toEqual({ edges, certificates: [] });
  });
});

describe("reelmesh mesh graph", () => {
  test("shows who calls whom, as declared", async () => {
    const { code, stdout } = await reelmesh(["mesh", "graph", "--json"], environment);
    expect(code).toBe(0);
    const declared = modules.flatMap(({ name, clients }) => clients.map((service) => ({ caller: name, service })));
    expect(JSON.parse(stdout)).toMatchObject({
      nodes: [...modules]
        .map(({ name }) => name)
        .sort()
        .map((name) => ({ name, ready: true, replicas: 1 })),
      edges: declared
        .sort((a, b) => `${a.caller} > ${a.service}`.localeCompare(`${b.caller} > ${b.service}`))
        .map((route) => ({ ...route, declared: true })),
    });
  });

  test("is a tree in the terminal", async () => {
    await askForVideos();
    const { stdout } = await reelmesh(["mesh", "graph"], environment);
    expect(stdout).toMatch(/^● gateway +ready\n├─▶ catalog +[\d.]+\/s, 100%$/m);
  });
});

describe("reelmesh mesh tap", () => {
  test("shows calls as they end, and nothing secret", async () => {
    const running = start(["mesh", "tap", "catalog"], environment);
    await until(() => {
      void askForVideos();
      return running.stdout() !== "";
    });
    running.interrupt();
    const { stdout } = await running.ended;
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}gateway > catalog +ListVideos +OK +[\d.]+ m?s {2}users\/local /);
    expect(stdout).not.toContain("eyJ");
  });

  test("knows what there is to tap", async () => {
    const { code, stderr } = await reelmesh(["mesh", "tap", "katalog"], environment);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^katalog does not run there: there are .*catalog/);
  });
});

test.each([
  [["mesh"]],
  [["mesh", "bogus"]],
  [["mesh", "tap"]],
  [["mesh", "check", "catalog"]],
  [["mesh", "check", "--once"]],
  [["mesh", "stat", "--ops", "nowhere"]],
])("%j makes no sense: code 2, and how it is used", async (words) => {
  const { code, stderr } = await reelmesh(words);
  expect(code).toBe(2);
  expect(stderr).toContain("Usage: reelmesh <command>");
});
