import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { defineModule, type Module, type RunningModule } from "../src/module.js";
import { startOrder } from "../src/order.js";
import { startModules } from "../src/start.js";
import { afterTest, environmentOf, scope, startMesh, storageClient } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection } from "./support/until.js";

/** A module without gRPC that tells when it starts and stops. */
function teller(name: string, told: string[], clients: string[] = [], running: RunningModule = {}): Module {
  return defineModule({
    name,
    clients,
    config: () => undefined,
    async start() {
      told.push(`start ${name}`);
      return {
        ...running,
        async stop() {
          told.push(`stop ${name}`);
          await running.stop?.();
        },
      };
    },
  });
}

/** The storage contract, with the same telling. */
function served(name: string, told: string[], clients: string[] = []): Module {
  const running = {
    async stop() {
      told.push(`stop ${name}`);
    },
  };
  const implement = () => {
    told.push(`start ${name}`);
    return {};
  };
  return storageModule(implement, { name, clients, running });
}

function failing(name: string, clients: string[] = []): Module {
  return defineModule({
    name,
    clients,
    config: () => undefined,
    start: () => Promise.reject(new Error("the disk is gone")),
  });
}

describe("modules", () => {
  test("each starts after those it calls and stops before them", async () => {
    const told: string[] = [];
    const mesh = await startMesh([
      teller("gateway", told, ["upload", "streaming"]),
      served("streaming", told, ["catalog", "storage"]),
      served("upload", told, ["storage", "catalog"]),
      served("catalog", told),
      served("storage", told),
    ]);
    expect(told).toEqual(["start storage", "start catalog", "start upload", "start streaming", "start gateway"]);
    told.length = 0;
    await mesh.stop();
    expect(told).toEqual(["stop gateway", "stop streaming", "stop upload", "stop catalog", "stop storage"]);
  });

  test("stopping twice stops once", async () => {
    const told: string[] = [];
    const mesh = await startMesh([served("storage", told), served("catalog", told)]);
    await Promise.all([mesh.stop(), mesh.stop()]);
    expect(told).toEqual(["start storage", "start catalog", "stop catalog", "stop storage"]);
  });

  test("a circle is refused by name before anything starts", async () => {
    const told: string[] = [];
    const modules = [
      teller("gateway", told, ["upload"]),
      served("upload", told, ["catalog"]),
      served("catalog", told, ["storage", "upload"]),
      served("storage", told),
    ];
    const refused = rejection(startModules(modules, environmentOf(modules)));
    expect(await refused).toEqual(
      new Error("Services call each other in a circle: gateway > upload > catalog > upload"),
    );
    expect(told).toEqual([]);
  });

  test("what is called but runs elsewhere does not matter to the order", () => {
    const modules = [
      { name: "a", clients: ["elsewhere", "b"] },
      { name: "b", clients: ["elsewhere"] },
    ];
    expect(startOrder(modules).map(({ name }) => name)).toEqual(["b", "a"]);
  });

  test("two of one name are refused", () => {
    const twins = [
      { name: "a", clients: [] },
      { name: "a", clients: [] },
    ];
    expect(() => startOrder(twins)).toThrow("Two modules have the same name");
  });

  test("one that cannot start stops those that had, and says why", async () => {
    const told: string[] = [];
    const modules = [served("storage", told), teller("worker", told), failing("upload", ["storage"])];
    const error = await rejection(startModules(modules, environmentOf(modules), { write: () => undefined }));
    expect(error).toMatchObject({ message: "upload cannot start", cause: { message: "the disk is gone" } });
    expect(told).toEqual(["start storage", "start worker", "stop worker", "stop storage"]);
  });

  test("one whose port is taken is stopped too, for it has opened its store", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    afterTest(() => void squatter.close());
    const { port } = addressOf(squatter.address());
    const told: string[] = [];
    const modules = [served("catalog", told), served("storage", told)];
    const variables = { ...environmentOf(modules), STORAGE_LISTEN: `127.0.0.1:${port}` };
    const error = await rejection(startModules(modules, variables, { write: () => undefined }));
    expect(error).toMatchObject({
      message: "storage cannot start",
      cause: { message: `Cannot listen on 127.0.0.1:${port}` },
    });
    expect(told).toEqual(["start catalog", "start storage", "stop storage", "stop catalog"]);
  });

  test("a taken operators' port is found before any module starts", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    afterTest(() => void squatter.close());
    const { port } = addressOf(squatter.address());
    const told: string[] = [];
    const modules = [served("catalog", told), served("storage", told)];
    const variables = { ...environmentOf(modules), OPS_PORT: String(port) };
    const error = await rejection(startModules(modules, variables, { write: () => undefined }));
    expect(error).toMatchObject({ message: `Cannot listen on 127.0.0.1:${port}`, cause: { code: "EADDRINUSE" } });
    expect(told).toEqual([]);
  });

  test("one that stops with an error is logged and holds nobody up", async () => {
    const told: string[] = [];
    const broken = { stop: () => Promise.reject(new Error("stuck")) };
    const mesh = await startMesh([served("storage", told), teller("worker", told, ["storage"], broken)]);
    await mesh.stop();
    expect(told.slice(2)).toEqual(["stop worker", "stop storage"]);
    expect(mesh.lines).toContainEqual(
      expect.objectContaining({ service: "worker", err: expect.objectContaining({ message: "stuck" }) }),
    );
  });

  test("call each other by what they declare, and nobody else", async () => {
    const answers: string[] = [];
    const caller = (clients: string[]) =>
      defineModule({
        name: "caller",
        clients,
        config: () => undefined,
        async start(_, mesh) {
          const storage = mesh.client("storage", StorageServiceDefinition);
          const { name } = await storage.getObject({ object: "a" }, scope());
          answers.push(name);
          return {};
        },
      });
    const storage = storageModule({ getObject: async ({ object }) => ({ name: object }) });
    await startMesh([caller(["storage"]), storage]);
    expect(answers).toEqual(["a"]);
    const undeclared = [caller([]), storage];
    expect(
      await rejection(startModules(undeclared, environmentOf(undeclared), { write: () => undefined })),
    ).toMatchObject({ cause: { message: "caller does not declare that it calls storage" } });
  });

  test("one that calls what serves nothing is refused", async () => {
    const told: string[] = [];
    const modules = [teller("gateway", told, ["worker"]), teller("worker", told)];
    expect(await rejection(startModules(modules, environmentOf(modules), { write: () => undefined }))).toMatchObject({
      message: "gateway cannot start",
      cause: { message: "it calls worker, which serves no gRPC" },
    });
  });

  test("a failure while at work is told with the module's name", async () => {
    const cause = new Error("the lock is lost");
    const module = storageModule((mesh) => ({
      async getObject() {
        mesh.fail(cause);
        return {};
      },
    }));
    const mesh = await startMesh([module]);
    await storageClient(mesh).getObject({}, scope());
    expect(await mesh.failed).toMatchObject({ message: "storage failed", cause });
  });

  test("background work learns of the end by the mesh's signal before calls are drained", async () => {
    const aborted: boolean[] = [];
    const module = defineModule({
      name: "worker",
      clients: [],
      config: () => undefined,
      async start(_, { signal }) {
        return {
          async stop() {
            aborted.push(signal.aborted);
          },
        };
      },
    });
    const mesh = await startMesh([module]);
    await mesh.stop();
    expect(aborted).toEqual([true]);
  });
});

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("It has no port");
  return address;
}
