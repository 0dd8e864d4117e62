/**
 * One side of a call, in a process of its own: `server` or `client`, by `bare` grpc-js or by the `mesh`. It speaks
 * with whoever started it by IPC: says where it serves, makes calls when told to, tells its processor time when asked.
 */
import { Client, Server, ServerCredentials, credentials, type ServiceError } from "@grpc/grpc-js";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import { createCodec } from "@reelmesh/mesh/codec.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { defineModule, serve, type Implementation } from "@reelmesh/mesh/module.js";
import { run } from "@reelmesh/mesh/run.js";
import {
  GetObjectRequest,
  StorageServiceDefinition,
  StoredObject,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

const PATH = "/reelmesh.storage.v1.StorageService/GetObject";
const request = createCodec(GetObjectRequest, 0);
const response = createCodec(StoredObject, 0);
const TIMEOUT_MS = 15_000;

const tell = (message: object) => process.send?.(message);
const [, , side, runtime, address = "", secret = ""] = process.argv;

let call: (() => Promise<unknown>) | undefined;

if (side === "server") void (runtime === "bare" ? serveBare() : serveMesh());

process.on("message", (message: { calls: number; atOnce: number } | "cpu") => {
  if (message === "cpu") tell({ cpuUs: cpuUs() });
  else void makeCalls(message.calls, message.atOnce).then(tell);
});
if (side === "client") tell({ address: "" });

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function makeCalls(calls: number, atOnce: number): Promise<{ p50Us: number; p99Us: number }> {
  const took: number[] = [];
  call ??= runtime === "bare" ? bareCaller() : meshCaller();
  const make = call;
  const one = async () => {
    while (took.length < calls) {
      const begun = performance.now();
      await make();
      took.push((performance.now() - begun) * 1000);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  took.sort((a, b) => a - b);
  return { p50Us: took[Math.floor(calls / 2)] ?? 0, p99Us: took[Math.floor(calls * 0.99)] ?? 0 };
}

function bareCaller(): () => Promise<unknown> {
  const client = new Client(address, credentials.createInsecure());
  return () =>
    new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, answer: unknown) => {
        if (error) reject(error);
        else resolve(answer);
      };
      const options = { deadline: Date.now() + TIMEOUT_MS };
      client.makeUnaryRequest(
        PATH,
        request.serialize,
        response.deserialize,
        { object: "objects/a" },
        options,
        answered,
      );
    });
}

function meshCaller(): () => Promise<unknown> {
  const tokens = createTokens(createKeys([Buffer.from(secret, "base64")]));
  const client = createClient(StorageServiceDefinition, openChannel("storage", address, "bench", tokens));
  const { signal } = new AbortController();
  return () => client.getObject({ object: "objects/a" }, { requestId: "benchmark", signal });
}

async function serveBare(): Promise<void> {
  const server = new Server();
  const method = {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  } as const;
  server.addService(
    { getObject: method },
    {
      getObject: (_: unknown, answer: (error: null, found: unknown) => void) => {
        answer(null, StoredObject.fromPartial({ name: "objects/a" }));
      },
    },
  );
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, port) =>
    tell({ address: `127.0.0.1:${port}` }),
  );
}

async function serveMesh(): Promise<void> {
  const refuse = () => Promise.reject(new DomainError("UNIMPLEMENTED"));
  const implementation: Implementation<typeof StorageServiceDefinition> = {
    stageBlock: refuse,
    commitBlocks: refuse,
    discardBlocks: refuse,
    readObject: async function* () {
      yield await refuse();
    },
    getObject: async () => ({ name: "objects/a" }),
    deleteObject: refuse,
    listObjects: refuse,
  };
  const anybody = "anybody";
  const access = {
    stageBlock: anybody,
    commitBlocks: anybody,
    discardBlocks: anybody,
    readObject: anybody,
    getObject: anybody,
    deleteObject: anybody,
    listObjects: anybody,
  } as const;
  const storage = defineModule({
    name: "storage",
    port: 7001,
    clients: [],
    config: () => undefined,
    start: async () => ({ services: [serve(StorageServiceDefinition, implementation, access)] }),
  });
  await run([storage], (mesh) => tell({ address: mesh.addressOf("storage") }));
}
