import { describe, expect, test } from "@jest/globals";
import { execFile, spawnSync } from "node:child_process";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { FileDescriptorProto } from "@reelmesh/proto/google/protobuf/descriptor.js";
import { protoPath as healthProto } from "grpc-health-check";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterTest, startMesh, type TestMesh } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { deferred, until } from "./support/until.js";

const SERVICE = "reelmesh.storage.v1.StorageService";
const GRPCURL = process.env.CI === "true" || spawnSync("grpcurl", ["-version"]).error === undefined;

/** A module whose store answers or not, as told. */
function withStore() {
  const store: { answer: () => Promise<void>; asked: number } = { answer: () => Promise.resolve(), asked: 0 };
  const running = {
    async check() {
      store.asked += 1;
      await store.answer();
    },
  };
  return { store, module: storageModule({}, { running }) };
}

async function ops(mesh: TestMesh, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${mesh.opsAddress}${path}`);
  return { status: response.status, body: await response.json() };
}

/** What grpc.health.v1 says of a service. */
async function health(mesh: TestMesh, service = ""): Promise<unknown> {
  const client = new Client(mesh.addressOf("storage"), credentials.createInsecure());
  const check = methodOf(loadSync(healthProto, { enums: String })["grpc.health.v1.Health"], "Check");
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service },
        (error: ServiceError | null, answer: unknown) => {
          if (error) reject(error);
          else resolve(answer);
        },
      );
    });
  } finally {
    client.close();
  }
}

interface LoadedMethod {
  path: string;
  requestSerialize: (message: object) => Buffer;
  responseDeserialize: (bytes: Buffer) => unknown;
}

function methodOf(service: unknown, name: string): LoadedMethod {
  const method = entry(service, name);
  if (!isMethod(method)) throw new Error(`There is no ${name}`);
  return method;
}

function entry(object: unknown, key: string): unknown {
  const entries = typeof object === "object" && object !== null ? Object.entries(object) : [];
  const [, value]: readonly unknown[] = entries.find(([name]) => name === key) ?? [];
  return value;
}

function isMethod(value: unknown): value is LoadedMethod {
  return typeof value === "object" && value !== null && "path" in value && "requestSerialize" in value;
}

describe("health", () => {
  test("follows the module's own store, down and up again", async () => {
    const { store, module } = withStore();
    const mesh = await startMesh([module]);
    expect(await health(mesh)).toMatchObject({ status: "SERVING" });
    expect(await health(mesh, SERVICE)).toMatchObject({ status: "SERVING" });
    expect(await ops(mesh, "/readyz")).toEqual({ status: 200, body: { status: "ready" } });

    store.answer = () => Promise.reject(new Error("connection refused"));
    await until(async () => (await ops(mesh, "/readyz")).status === 503);
    expect(await health(mesh)).toMatchObject({ status: "NOT_SERVING" });
    expect(await health(mesh, SERVICE)).toMatchObject({ status: "NOT_SERVING" });
    expect(await ops(mesh, "/readyz")).toMatchObject({ body: { status: "not ready", waitingFor: ["storage"] } });
    expect(await ops(mesh, "/livez")).toEqual({ status: 200, body: { status: "live" } });

    store.answer = () => Promise.resolve();
    await until(async () => (await ops(mesh, "/readyz")).status === 200);
    expect(await health(mesh, SERVICE)).toMatchObject({ status: "SERVING" });
    const told = mesh.lines.filter(({ msg }) => String(msg).includes("store"));
    expect(told.map(({ level, msg, service }) => ({ level, msg, service }))).toEqual([
      { level: "error", msg: "the store does not answer", service: "storage" },
      { level: "warn", msg: "the store answers again", service: "storage" },
    ]);
  });

  test("of a store that is down from the start is told from the start", async () => {
    const { store, module } = withStore();
    store.answer = () => Promise.reject(new Error("connection refused"));
    const mesh = await startMesh([module]);
    expect(await health(mesh, SERVICE)).toMatchObject({ status: "NOT_SERVING" });
    expect((await ops(mesh, "/readyz")).status).toBe(503);
  });

  test("waits for a store that says nothing no longer than a few seconds", async () => {
    const { store, module } = withStore();
    const mesh = await startMesh([module]);
    store.answer = () => new Promise(() => undefined);
    await until(async () => (await ops(mesh, "/readyz")).status === 503);
    expect(mesh.lines).toContainEqual(
      expect.objectContaining({ err: expect.objectContaining({ message: "No answer within 3000 ms" }) }),
    );
  });

  test("asks nothing more after the end", async () => {
    const { store, module } = withStore();
    const mesh = await startMesh([module]);
    const slow = deferred();
    const { asked } = store;
    store.answer = () => slow.promise;
    await until(() => store.asked > asked);
    await mesh.stop();
    const last = store.asked;
    slow.resolve();
    await new Promise(setImmediate);
    expect(store.asked).toBe(last);
  });

  test("names every module that does not serve", async () => {
    const broken = { check: () => Promise.reject(new Error("x")) };
    const mesh = await startMesh([
      storageModule({}, { name: "storage", running: broken }),
      storageModule({}, { name: "catalog" }),
      storageModule({}, { name: "upload", running: broken }),
    ]);
    expect(await ops(mesh, "/readyz")).toMatchObject({ body: { waitingFor: ["storage", "upload"] } });
  });

  test("is live but not ready while modules stop", async () => {
    const release = deferred();
    const stopping = deferred();
    const slow = storageModule(
      {},
      {
        running: {
          async stop() {
            stopping.resolve();
            await release.promise;
          },
        },
      },
    );
    const mesh = await startMesh([slow]);
    const stopped = mesh.stop();
    await stopping.promise;
    const live = await ops(mesh, "/livez");
    const ready = await ops(mesh, "/readyz");
    release.resolve();
    await stopped;
    expect(live.status).toBe(200);
    expect(ready).toEqual({ status: 503, body: { status: "not ready", waitingFor: ["storage"] } });
  });

  test("knows of nothing else", async () => {
    const mesh = await startMesh([storageModule({})]);
    expect((await ops(mesh, "/")).status).toBe(404);
    expect((await ops(mesh, "/readyz?verbose=1")).status).toBe(200);
    await expect(health(mesh, "reelmesh.catalog.v1.CatalogService")).rejects.toMatchObject({ code: 5 });
  });
});

describe("reflection", () => {
  const reflectionProto = join(require.resolve("@grpc/reflection"), "../../proto/grpc/reflection/v1/reflection.proto");

  /** Asks as grpcurl does. */
  async function reflect(mesh: TestMesh, ...requests: object[]): Promise<unknown[]> {
    const types = loadSync(reflectionProto, { keepCase: true });
    const { path, requestSerialize, responseDeserialize } = methodOf(
      types["grpc.reflection.v1.ServerReflection"],
      "ServerReflectionInfo",
    );
    const client = new Client(mesh.addressOf("storage"), credentials.createInsecure());
    afterTest(() => {
      client.close();
    });
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    for (const request of requests) call.write(request);
    call.end();
    const answers: unknown[] = [];
    for await (const answer of call) answers.push(answer);
    return answers;
  }

  test("lists and describes what the server offers, and nothing else", async () => {
    const mesh = await startMesh([storageModule({})]);
    const [list, described, foreign] = await reflect(
      mesh,
      { list_services: "" },
      { file_containing_symbol: SERVICE },
      { file_containing_symbol: "reelmesh.nothing.v1.Nothing" },
    );
    expect(list).toMatchObject({
      list_services_response: { service: [{ name: SERVICE }, { name: "grpc.health.v1.Health" }] },
    });
    // The file as it was written: a client resolves its types by what it imports.
    const file = filesIn(described).find(({ name }) => name === "reelmesh/storage/v1/storage_service.proto");
    expect(file?.dependency).toEqual(["google/protobuf/timestamp.proto", "reelmesh/mesh/v1/method.proto"]);
    expect(file?.service[0]?.method.map(({ name }) => name)).toContain("ReadObject");
    expect(filesIn(described).map(({ name }) => name)).toContain("google/protobuf/timestamp.proto");
    expect(foreign).toMatchObject({ error_response: { error_code: 5 } });
  });

  /** The files in an answer. */
  function filesIn(answer: unknown): FileDescriptorProto[] {
    const response = entry(entry(answer, "file_descriptor_response"), "file_descriptor_proto");
    const files: readonly unknown[] = Array.isArray(response) ? response : [];
    return files.flatMap((file) => (file instanceof Uint8Array ? [FileDescriptorProto.decode(file)] : []));
  }

  const withGrpcurl = GRPCURL ? test : test.skip;
  withGrpcurl(`serves grpcurl${GRPCURL ? "" : " (skipped: grpcurl is not on the PATH)"}`, async () => {
    const mesh = await startMesh([
      storageModule({
        getObject: async ({ object }) => ({ name: object, sizeBytes: 5n, compositeSha256: Buffer.from("ab", "hex") }),
      }),
    ]);
    const address = mesh.addressOf("storage");
    const grpcurl = async (...args: string[]) => {
      const { stdout } = await promisify(execFile)("grpcurl", ["-plaintext", ...args]);
      return stdout;
    };
    expect((await grpcurl(address, "list")).trim().split("\n").sort()).toEqual(["grpc.health.v1.Health", SERVICE]);
    expect(await grpcurl(address, "describe", SERVICE)).toContain("rpc ReadObject");
    expect(await grpcurl(address, "describe", "reelmesh.storage.v1.StageBlockRequest")).toContain("bytes data = 5");
    expect(JSON.parse(await grpcurl("-d", '{"object":"a"}', address, `${SERVICE}/GetObject`))).toMatchObject({
      name: "a",
      sizeBytes: "5",
    });
    expect(JSON.parse(await grpcurl(address, "grpc.health.v1.Health/Check"))).toEqual({ status: "SERVING" });
    await expect(grpcurl(address, `${SERVICE}/DeleteObject`)).rejects.toMatchObject({
      stderr: expect.stringMatching(/Code: Unimplemented\n.*does not offer this[\s\S]*google\.rpc\.ErrorInfo/),
    });
  });
});
