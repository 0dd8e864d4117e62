import { describe, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { ConfigError, Environment, type Fault } from "../src/environment.js";
import { createLog, readLogLevel } from "../src/log.js";
import { defineModule } from "../src/module.js";
import { dialable } from "../src/plan.js";
import { startModules } from "../src/start.js";
import { parseLine, startMesh } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection } from "./support/until.js";

const environment = (variables: Record<string, string>, alone = true) => new Environment(variables, { alone });

describe("the environment", () => {
  test.each([
    ["7", 7],
    ["1", 1],
    ["10", 10],
    ["007", 7],
  ])("%s is a whole number from 1 to 10", (given, value) => {
    const read = environment({ X: given });
    expect(read.integer("X", { default: 5, min: 1, max: 10 })).toBe(value);
    expect(read.faults).toEqual([]);
  });

  test.each(["0", "11", "-1", "1.5", "1e1", "0x5", " 7", "seven", "99999999999999999999"])(
    "%j is not, and the default serves meanwhile",
    (given) => {
      const read = environment({ X: given });
      expect(read.integer("X", { default: 5, min: 1, max: 10 })).toBe(5);
      expect(read.faults).toEqual([{ variable: "X", given, allowed: "a whole number from 1 to 10" }]);
    },
  );

  test("an empty variable is one that is not set", () => {
    const read = environment({ X: "" });
    expect(read.optional("X")).toBeUndefined();
    expect(read.string("X", { default: "a" })).toBe("a");
    expect(read.integer("X", { default: 5, min: 1, max: 10 })).toBe(5);
    expect(read.oneOf("X", { values: ["a", "b"], default: "b" })).toBe("b");
    expect(read.listen("X", { default: { host: "h", port: 1 } })).toEqual({ host: "h", port: 1 });
    expect(read.faults).toEqual([]);
  });

  test.each([
    ["127.0.0.1:7002", { host: "127.0.0.1", port: 7002 }],
    ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
    ["catalog.local:65535", { host: "catalog.local", port: 65_535 }],
    ["[::1]:80", { host: "::1", port: 80 }],
  ])("%s is where to listen", (given, address) => {
    const read = environment({ X: given });
    expect(read.listen("X", { default: { host: "h", port: 1 } })).toEqual(address);
    expect(read.faults).toEqual([]);
  });

  test.each(["7002", ":7002", "localhost", "localhost:", "localhost:65536", "::1:80", "http://localhost:80", "a b:1"])(
    "%s is not",
    (given) => {
      const read = environment({ X: given });
      expect(read.listen("X", { default: { host: "h", port: 1 } })).toEqual({ host: "h", port: 1 });
      expect(read.faults).toMatchObject([{ variable: "X", given }]);
    },
  );

  test("a variable of its own changes the port alone", () => {
    const options = { default: { host: "h", port: 1 }, port: "PORT" };
    expect(environment({ PORT: "9" }).listen("X", options)).toEqual({ host: "h", port: 9 });
    expect(environment({ PORT: "9", X: "a:2" }).listen("X", options)).toEqual({ host: "a", port: 9 });
    expect(environment({ X: "a:2" }).listen("X", options)).toEqual({ host: "a", port: 2 });
    const wrong = environment({ PORT: "a" });
    wrong.listen("X", options);
    expect(wrong.faults).toEqual([{ variable: "PORT", given: "a", allowed: "a whole number from 0 to 65535" }]);
  });

  test.each([
    [{ host: "127.0.0.1", port: 1 }, "127.0.0.1:1"],
    [{ host: "0.0.0.0", port: 1 }, "127.0.0.1:1"],
    [{ host: "::", port: 1 }, "[::1]:1"],
    [{ host: "fe80::1", port: 1 }, "[fe80::1]:1"],
    [{ host: "catalog", port: 1 }, "catalog:1"],
  ])("what listens on %j is dialled at %s", (address, dialled) => {
    expect(dialable(address)).toBe(dialled);
  });
});

/** A module with a setting of its own. */
const choosy = (name: string, clients: string[] = []) =>
  defineModule({
    name,
    port: 7001,
    clients,
    config: (settings) => settings.integer(`${name.toUpperCase()}_LIMIT`, { default: 1, min: 1, max: 9 }),
    start: async () => ({}),
  });

async function faultsOf(...given: Parameters<typeof startModules>): Promise<readonly Fault[]> {
  const error = await rejection(startModules(...given));
  if (!(error instanceof ConfigError)) throw error;
  return error.faults;
}

describe("a process", () => {
  test("reports every fault of every module at once, in words", async () => {
    const variables = {
      CATALOG_LIMIT: "0",
      UPLOAD_LIMIT: "ten",
      UPLOAD_LISTEN: "x",
      STORAGE_ADDRESS: "storage",
      LOG_LEVEL: "loud",
      MESH_DRAIN_MS: "soon",
      MESH_SECRET: "hunter2",
    };
    const error = await rejection(startModules([choosy("upload", ["storage"]), choosy("catalog")], variables));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      faults: [
        { variable: "LOG_LEVEL", given: "loud" },
        { variable: "UPLOAD_LIMIT", given: "ten", allowed: "a whole number from 1 to 9" },
        { variable: "UPLOAD_LISTEN", given: "x" },
        {
          variable: "STORAGE_ADDRESS",
          given: "storage",
          allowed: "where the service storage is, such as storage:7000",
        },
        { variable: "CATALOG_LIMIT", given: "0" },
        { variable: "MESH_DRAIN_MS", given: "soon" },
        { variable: "MESH_SECRET", given: undefined },
      ],
      message: expect.stringContaining('\n  UPLOAD_LIMIT="ten": give a whole number from 1 to 9\n'),
    });
    expect(String(error)).not.toContain("hunter2");
  });

  test("of one module must be told where the services are that it calls, and given a secret", async () => {
    expect(await faultsOf([choosy("upload", ["storage", "transcode-worker"])], {})).toMatchObject([
      { variable: "STORAGE_ADDRESS", given: undefined },
      { variable: "TRANSCODE_WORKER_ADDRESS", given: undefined },
      { variable: "MESH_SECRET", given: undefined },
    ]);
  });

  test("hands a module what its settings say", async () => {
    const configs: unknown[] = [];
    const module = defineModule({
      name: "worker",
      clients: [],
      config: (settings) => ({ limit: settings.integer("LIMIT", { default: 1, min: 1, max: 9 }) }),
      async start(config) {
        configs.push(config);
        return {};
      },
    });
    await startMesh([module], { LIMIT: "3" });
    expect(configs).toEqual([{ limit: 3 }]);
  });

  test("says where its modules listen", async () => {
    const edge = defineModule({
      name: "edge",
      clients: [],
      config: () => undefined,
      start: async () => ({ listening: { host: "0.0.0.0", port: 8080 } }),
    });
    const mesh = await startMesh([edge, storageModule({})]);
    expect(mesh.addressOf("edge")).toBe("127.0.0.1:8080");
    expect(mesh.addressOf("storage")).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(mesh.opsAddress).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(() => mesh.addressOf("catalog")).toThrow(/catalog/);
  });

  test("calls a service elsewhere at its address", async () => {
    const storage = storageModule({ getObject: async ({ object }) => ({ name: object }) });
    const elsewhere = await startMesh([storage]);
    const names: string[] = [];
    const caller = defineModule({
      name: "caller",
      clients: ["storage"],
      config: () => undefined,
      async start(_, mesh) {
        const client = mesh.client("storage", StorageServiceDefinition);
        const { name } = await client.getObject({ object: "a" }, { requestId: "start", signal: mesh.signal });
        names.push(name);
        return {};
      },
    });
    await startMesh([caller], { STORAGE_ADDRESS: elsewhere.addressOf("storage") });
    expect(names).toEqual(["a"]);
  });
});

describe("the log", () => {
  test.each([
    [{}, true, "info"],
    [{}, false, "warn"],
    [{ LOG_LEVEL: "debug" }, false, "debug"],
  ])("with %j, in a process of one module: %s, has the level %s", (variables, alone, level) => {
    expect(readLogLevel(environment(variables, alone))).toBe(level);
  });

  test("is JSON lines with the time as RFC 3339, the level as a word, errors with their causes", () => {
    const lines: string[] = [];
    const log = createLog("info", { write: (line) => lines.push(line) });
    log.debug("unsaid");
    log.warn({ err: new Error("above", { cause: new Error("below") }) }, "said");
    expect(lines.map(parseLine)).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: "warn",
        msg: "said",
        err: expect.objectContaining({
          message: "above: below",
          stack: expect.stringContaining("caused by: Error: below"),
        }),
      },
    ]);
  });
});
