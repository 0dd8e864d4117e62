/**
 * One side of a call, in a process of its own: `server` or `client`, by `bare` grpc-js or by the `mesh`, with mTLS where
 * MESH_TLS_CERT and its like say so. It speaks with whoever started it by IPC: says where it serves, makes calls when
 * told to, tells its processor time when asked.
 */
import { readFileSync } from "node:fs";
import { Client, Server, ServerCredentials, credentials, type ServiceError } from "@grpc/grpc-js";
import { createCodec } from "@reelmesh/mesh/codec.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { defineModule, serve, type Implementation } from "@reelmesh/mesh/module.js";
import { startTrace } from "@reelmesh/mesh/observe/trace.js";
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

type Call = () => Promise<unknown>;

const tell = (message: object) => process.send?.(message);
const [, , side, runtime, address = ""] = process.argv;
const tls = tlsFiles();

if (side === "server") void (runtime === "bare" ? serveBare() : serveMesh());
else if (runtime === "bare") serveCalls(bareCaller());
else void callByMesh();

process.on("message", (message: unknown) => {
  if (message === "cpu") tell({ cpuUs: cpuUs() });
});

/** Makes calls whenever it is told to. */
function serveCalls(call: Call): void {
  process.on("message", (message: { calls: number; atOnce: number } | "cpu") => {
    if (message !== "cpu") void makeCalls(call, message).then(tell);
  });
  tell({ address: "" });
}

function tlsFiles() {
  const { MESH_TLS_CERT, MESH_TLS_KEY, MESH_TLS_CA } = process.env;
  if (MESH_TLS_CERT === undefined || MESH_TLS_KEY === undefined || MESH_TLS_CA === undefined) return undefined;
  return { cert: readFileSync(MESH_TLS_CERT), key: readFileSync(MESH_TLS_KEY), ca: readFileSync(MESH_TLS_CA) };
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function makeCalls(call: Call, { calls, atOnce }: { calls: number; atOnce: number }) {
  const took: number[] = [];
  const one = async () => {
    while (took.length < calls) {
      const begun = performance.now();
      await call();
      took.push((performance.now() - begun) * 1000);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  took.sort((a, b) => a - b);
  return { p50Us: took[Math.floor(calls / 2)] ?? 0, p99Us: took[Math.floor(calls * 0.99)] ?? 0 };
}

function bareCaller(): Call {
  // The certificates of a mesh name services, not addresses.
  const anyName = { checkServerIdentity: () => undefined };
  const client = new Client(
    address,
    tls ? credentials.createSsl(tls.ca, tls.key, tls.cert, anyName) : credentials.createInsecure(),
    tls ? { "grpc.ssl_target_name_override": "storage" } : {},
  );
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

/** Calls as a service does for a person: traced, and with the token that proves who asks. */
async function callByMesh(): Promise<void> {
  const caller = defineModule({
    name: "bench",
    clients: ["storage"],
    config: () => undefined,
    async start(_, mesh) {
      const client = mesh.client("storage", StorageServiceDefinition);
      const scope = {
        requestId: "benchmark",
        signal: mesh.signal,
        trace: startTrace(),
        principalToken: await mesh.tokens.forPrincipal({ name: "users/ann" }, 3_600),
      };
      serveCalls(() => client.getObject({ object: "objects/a" }, scope));
      return {};
    },
  });
  await run([caller]);
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
  const identity = tls
    ? ServerCredentials.createSsl(tls.ca, [{ cert_chain: tls.cert, private_key: tls.key }], true)
    : ServerCredentials.createInsecure();
  server.bindAsync("127.0.0.1:0", identity, (_, port) => tell({ address: `127.0.0.1:${port}` }));
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
