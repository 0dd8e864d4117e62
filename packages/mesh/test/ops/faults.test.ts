import { describe, expect, test } from "@jest/globals";
import { networkInterfaces } from "node:os";
import { makeCertificates, tlsVariables } from "../support/certificates.js";
import { scope, startMesh, storageClient, type TestMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";

const RULES = [{ method: "*/GetObject", error: "STORE_UNAVAILABLE" }];

const start = (variables: Record<string, string> = { MESH_FAULTS: "allow" }) =>
  startMesh([storageModule({ getObject: async () => ({}) })], variables);

async function ask(
  mesh: Pick<TestMesh, "opsAddress">,
  method: string,
  body?: string,
  headers: Record<string, string> = {},
) {
  const type = { "content-type": "application/json" };
  const response = await fetch(`http://${mesh.opsAddress}/mesh/faults`, {
    method,
    headers: { ...(body === undefined ? {} : type), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const answer: unknown = await response.json();
  return { status: response.status, body: answer };
}

describe("where MESH_FAULTS=allow, the operators' port", () => {
  test("puts rules in force, tells them, and ends them", async () => {
    const mesh = await start();
    const client = storageClient(mesh);
    expect(await ask(mesh, "GET")).toEqual({ status: 200, body: [] });
    await client.getObject({}, scope());
    expect(await ask(mesh, "PUT", JSON.stringify(RULES))).toEqual({ status: 200, body: RULES });
    expect(await ask(mesh, "GET")).toEqual({ status: 200, body: RULES });
    expect(await rejection(client.getObject({}, scope()))).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(await ask(mesh, "DELETE")).toEqual({ status: 200, body: [] });
    await client.getObject({}, scope());
  });

  test("says on its page and in its state what is in force", async () => {
    const mesh = await start();
    await ask(mesh, "PUT", JSON.stringify(RULES));
    const read = async (path: string) => (await fetch(`http://${mesh.opsAddress}${path}`)).text();
    expect(JSON.parse(await read("/mesh/state"))).toMatchObject({ faults: RULES });
    expect(await read("/mesh")).toContain("1 fault on purpose");
  });

  test.each([
    ["nonsense", "no JSON", ""],
    ['{"share":1}', "no array of rules", ""],
    ['["drop"]', "[0] is no object", "[0]"],
    ['[{"drop":true},{"share":2,"drop":true}]', "[1].share must be a number from 0 to 1", "[1].share"],
    ['[{"delayMs":-1}]', "[0].delayMs must be a number from 0 to 3600000", "[0].delayMs"],
    ['[{"delayMs":"1"}]', "[0].delayMs must be a number from 0 to 3600000", "[0].delayMs"],
    ['[{"error":"NO_SUCH"}]', "[0].error must be the reason of an error", "[0].error"],
    ['[{"drop":1}]', "[0].drop must be true or false", "[0].drop"],
    ['[{"method":7,"drop":true}]', "[0].method must be a text", "[0].method"],
    ['[{"methods":"*"}]', "[0].methods is no field of a rule", "[0].methods"],
    ['[{"method":"*"}]', "[0] does no harm", "[0]"],
  ])("refuses %s, names the field, and leaves in force what was", async (body, problem, field) => {
    const mesh = await start({ MESH_FAULTS: "allow", MESH_FAULT_RULES: JSON.stringify(RULES) });
    const status: unknown = expect.stringContaining(problem);
    expect(await ask(mesh, "PUT", body)).toEqual({ status: 400, body: { status, field } });
    expect(await ask(mesh, "GET")).toEqual({ status: 200, body: RULES });
  });

  test("takes no rules from a page, of another type, or too large, and no other verb", async () => {
    const mesh = await start();
    const rules = JSON.stringify(RULES);
    expect(await ask(mesh, "PUT", rules, { origin: `http://${mesh.opsAddress}` })).toMatchObject({ status: 403 });
    expect(await ask(mesh, "PUT", rules, { "content-type": "text/plain" })).toMatchObject({ status: 415 });
    expect(await ask(mesh, "PUT", " ".repeat(70_000))).toMatchObject({ status: 413 });
    expect(await ask(mesh, "POST", rules)).toMatchObject({ status: 405 });
    expect(await ask(mesh, "GET")).toEqual({ status: 200, body: [] });
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  const name = "listens to nobody who comes by another address than loopback";
  (outside === undefined ? test.skip : test)(outside === undefined ? `${name} (needs a network)` : name, async () => {
    const mesh = await start({ MESH_FAULTS: "allow", OPS_LISTEN: "0.0.0.0:0" });
    const port = mesh.opsAddress.split(":")[1] ?? "";
    const answer = await ask({ opsAddress: `${outside}:${port}` }, "PUT", JSON.stringify(RULES));
    expect(answer).toMatchObject({ status: 403, body: { status: expect.stringContaining("loopback") } });
    expect(await ask(mesh, "GET")).toEqual({ status: 200, body: [] });
  });
});

describe("elsewhere nothing is harmed, and why is said", () => {
  test.each(["GET", "PUT", "DELETE"])("without MESH_FAULTS=allow: %s", async (verb) => {
    const answer = await ask(await start({}), verb, verb === "PUT" ? JSON.stringify(RULES) : undefined);
    expect(answer).toEqual({
      status: 403,
      body: { status: "calls are not harmed where the process was not started with MESH_FAULTS=allow" },
    });
  });

  test("with certificates", async () => {
    const mesh = await start(tlsVariables(makeCertificates().issue("storage")));
    expect(await ask(mesh, "PUT", JSON.stringify(RULES))).toMatchObject({
      status: 403,
      body: { status: expect.stringContaining("MESH_TLS_CERT") },
    });
  });
});
