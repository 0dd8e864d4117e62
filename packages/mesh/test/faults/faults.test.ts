import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Environment } from "../../src/environment.js";
import { createFaults, readFaults } from "../../src/faults/faults.js";
import { matchesMethod, parseFaultRules } from "../../src/faults/rules.js";
import { scope, startMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";
import { listenedClient } from "../calls/support.js";

const read = (variables: Record<string, string>) => {
  const environment = new Environment(variables, { alone: true });
  return { faults: readFaults(environment), variables: environment.faults.map(({ variable }) => variable) };
};

describe("the settings of faults", () => {
  test("allow none unless told", () => {
    expect(read({})).toEqual({ faults: undefined, variables: [] });
    expect(read({ MESH_FAULT_RULES: "[]" }).variables).toEqual(["MESH_FAULT_RULES"]);
    expect(read({ MESH_FAULTS: "yes" }).variables).toEqual(["MESH_FAULTS"]);
  });

  test.each(["MESH_TLS_CERT", "MESH_TLS_KEY", "MESH_TLS_CA"])("are refused beside %s", (variable) => {
    expect(read({ MESH_FAULTS: "allow", [variable]: "file.pem" }).variables).toEqual(["MESH_FAULTS"]);
  });

  test.each([
    "{}",
    "nothing",
    '["drop"]',
    '[{"share":2}]',
    '[{"delayMs":-1}]',
    '[{"error":"NO_SUCH"}]',
    '[{"drop":1}]',
    '[{"methods":"*"}]',
  ])("refuse the rules %s", (rules) => {
    expect(read({ MESH_FAULTS: "allow", MESH_FAULT_RULES: rules }).variables).toEqual(["MESH_FAULT_RULES"]);
  });

  test("take rules of every kind", () => {
    const rules = [{ method: "*/GetObject", share: 0.5, delayMs: 10, error: "STORE_UNAVAILABLE" }, { drop: true }];
    const { faults, variables } = read({ MESH_FAULTS: "allow", MESH_FAULT_RULES: JSON.stringify(rules) });
    expect(variables).toEqual([]);
    expect(faults?.rules()).toEqual(rules);
  });
});

test("a pattern means what it says, and a star anything", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (before, between, after) => {
      expect(matchesMethod(before.replaceAll("*", ""), before.replaceAll("*", ""))).toBe(true);
      const pattern = `${before}*${after}`.replaceAll("\n", "");
      expect(matchesMethod(pattern, `${before}${between}${after}`.replaceAll("\n", ""))).toBe(true);
    }),
  );
  expect(matchesMethod("a.B/C", "aXB/C")).toBe(false);
  expect(matchesMethod("*/Get", "a.B/GetObject")).toBe(false);
});

test("a share of the calls is harmed", async () => {
  let dice = 0;
  const faults = createFaults(
    parseFaultRules('[{"share":0.3,"error":"STORE_UNAVAILABLE"}]'),
    () => (dice += 0.001) % 1,
  );
  let harmed = 0;
  const signal = new AbortController().signal;
  for (let calls = 0; calls < 1_000; calls += 1) {
    await faults.harm("storage", "a.B/C", signal)?.catch(() => (harmed += 1));
  }
  expect(harmed).toBeGreaterThanOrEqual(298);
  expect(harmed).toBeLessThanOrEqual(301);
});

describe("a mesh with rules", () => {
  const start = async (rule: object) => {
    const reached: string[] = [];
    const mesh = await startMesh(
      [
        storageModule({
          async getObject() {
            reached.push("getObject");
            return {};
          },
          async listObjects() {
            reached.push("listObjects");
            return {};
          },
        }),
      ],
      { MESH_FAULTS: "allow", MESH_FAULT_RULES: JSON.stringify([{ method: "*/GetObject", ...rule }]) },
    );
    return { reached, mesh, client: listenedClient(mesh.addressOf("storage")).client };
  };

  test("fails a method's calls before their handler, and no other's", async () => {
    const { client, reached } = await start({ error: "CHECKSUM_MISMATCH" });
    expect(await rejection(client.getObject({}, scope()))).toMatchObject({ reason: "CHECKSUM_MISMATCH" });
    await client.listObjects({}, scope());
    expect(reached).toEqual(["listObjects"]);
  });

  test("never answers what is dropped", async () => {
    const { client, reached } = await start({ drop: true });
    const late = client.getObject({}, scope({ deadline: Date.now() + 100 }));
    expect(await rejection(late)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(reached).toEqual([]);
  });

  test("delays, and then answers", async () => {
    const { client, reached } = await start({ delayMs: 50 });
    const begun = performance.now();
    await client.getObject({}, scope());
    // Timers tick in whole milliseconds.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(49);
    expect(reached).toEqual(["getObject"]);
  });
});
