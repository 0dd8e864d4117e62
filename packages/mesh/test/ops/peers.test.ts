import { describe, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { createServer } from "node:http";
import { createServer as createSilentServer } from "node:net";
import { defineModule } from "../../src/module.js";
import { askView } from "../../src/ops/ask.js";
import { createPeers } from "../../src/ops/peers.js";
import { afterTest, scope, startMesh } from "../support/mesh.js";
import { get } from "../support/ops.js";
import { storageModule } from "../support/storage.js";

const storage = () => storageModule({ getObject: async () => ({}) });
const portOf = (address: string) => Number(address.split(":")[1]);
const textOf = (html: string) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** A module alone in its process that calls storage at these addresses. */
async function startCaller(addresses: readonly string[], peers: readonly string[]) {
  const calls: (() => Promise<unknown>)[] = [];
  const upload = defineModule({
    name: "upload",
    clients: ["storage"],
    config: () => undefined,
    async start(_, mesh) {
      const client = mesh.client("storage", StorageServiceDefinition);
      calls.push(() => client.getObject({}, scope()));
      return {};
    },
  });
  const mesh = await startMesh([upload], { STORAGE_ADDRESS: addresses.join(","), MESH_PEERS: peers.join(",") });
  return { mesh, call: async () => calls[0]?.() };
}

describe("one process's page", () => {
  test("shows the processes that it is told of, each replica once, and itself once", async () => {
    const replicas = [await startMesh([storage()]), await startMesh([storage()])];
    const ports = replicas.map(({ opsAddress }) => opsAddress);
    const { mesh, call } = await startCaller(
      replicas.map((replica) => replica.addressOf("storage")),
      [...ports, ...ports],
    );
    await call();
    const peers = [...ports, ...ports].map((address) => ({ address, state: { modules: [{ name: "storage" }] } }));
    const view: unknown = JSON.parse((await get(mesh, "/mesh/all")).body);
    expect(view).toMatchObject({ state: { modules: [{ name: "upload" }] }, peers });
    const page = textOf((await get(mesh, "/mesh")).body);
    expect(page).toContain("3 processes");
    for (const replica of replicas) expect(page).toContain(`storage ready ${replica.addressOf("storage")}`);
    expect(page).toContain("storage: ready × 2");
    expect((await askView(mesh.opsAddress)).map(({ address }) => address)).toEqual([mesh.opsAddress, ...ports]);
  });

  test("says of each that cannot be had why", async () => {
    const gone = `127.0.0.1:${await freePort()}`;
    const stranger = createServer((_, response) => response.end("hello"));
    const silent = createSilentServer();
    for (const server of [stranger, silent]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      afterTest(() => void server.close());
    }
    silent.on("connection", (socket) => {
      afterTest(() => void socket.destroy());
    });
    const addressOf = (server: typeof stranger | typeof silent) => {
      const address = server.address();
      return `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    };
    const mesh = await startMesh([storage()], {
      MESH_PEERS: [gone, addressOf(stranger), addressOf(silent)].join(","),
    });
    const page = textOf((await get(mesh, "/mesh")).body);
    expect(page).toContain("3 unreachable");
    expect(page).toContain(`${gone} unreachable: nothing listens there`);
    expect(page).toContain(`${addressOf(stranger)} unreachable: is no operators&#39; port of Reelmesh`);
    expect(page).toContain(`${addressOf(silent)} unreachable: no answer within 1 s`);
    expect(page).toContain("storage ready");
  });
});

describe("a peer's name", () => {
  test("stands for all its addresses", async () => {
    const mesh = await startMesh([storage()], { OPS_LISTEN: "0.0.0.0:0" });
    const peers = createPeers([{ host: "storage", port: portOf(mesh.opsAddress) }], async () => [
      "127.0.0.1",
      "127.0.0.2",
    ]);
    const answers = await peers.ask();
    expect(answers.map(({ address }) => address.split(":")[0])).toEqual(["127.0.0.1", "127.0.0.2"]);
    for (const answer of answers) expect(answer).toMatchObject({ state: { modules: [{ name: "storage" }] } });
  });

  test.each([
    ["that is unknown", () => Promise.reject(new Error("getaddrinfo ENOTFOUND storage")), "ENOTFOUND"],
    ["without addresses", () => Promise.resolve([]), "no addresses"],
    ["that DNS is silent about", () => new Promise<never>(() => undefined), "no address within 1 s"],
  ])("%s is a peer that cannot be had", async (_, lookup, problem) => {
    const answers = await createPeers([{ host: "storage", port: 9090 }], lookup).ask();
    expect(answers).toEqual([{ address: "storage:9090", problem: expect.stringContaining(problem) }]);
  });

  test("that is asked for by many at once is asked once", async () => {
    let asked = 0;
    const peers = createPeers([{ host: "storage", port: 1 }], async () => {
      asked += 1;
      return [];
    });
    await Promise.all(Array.from({ length: 20 }, () => peers.ask()));
    expect(asked).toBe(1);
  });
});

test("peers that cannot be read are a fault of the configuration", async () => {
  await expect(startMesh([storage()], { MESH_PEERS: "catalog" })).rejects.toMatchObject({
    faults: [{ variable: "MESH_PEERS", given: "catalog" }],
  });
});
