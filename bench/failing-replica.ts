/**
 * A replica of a storage service that fails as it is told to, in a process of its own. It serves by the mesh and, on
 * another port, by bare grpc-js, so that what befalls it befalls the callers of both. Its argument is its name.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  Metadata,
  Server,
  ServerCredentials,
  experimental,
  status,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { CallContext } from "@reelmesh/mesh/call.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { defineModule, type ServedService } from "@reelmesh/mesh/module.js";
import { run } from "@reelmesh/mesh/run.js";
import { StorageServiceDefinition, StoredObject } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { GET_OBJECT, type ReplicaAnswer, type Trouble } from "./failures.js";

const [, , name = ""] = process.argv;
const { BARE_LISTEN = "127.0.0.1:0", MESH_TLS_CERT, MESH_TLS_KEY, MESH_TLS_CA } = process.env;
const TLS_REFRESH_MS = Number(process.env.MESH_TLS_REFRESH_MS ?? 5_000);
const TLS_AGE_MS = Number(process.env.MESH_TLS_CONNECTION_AGE_MS ?? 0);

const trouble: Required<Trouble> = { delayMs: 0, failing: 0, as: "INTERNAL", serving: true };
let streams = 0;
/** Who waits for the mesh to have heard whether this replica serves. */
const unheard: (() => void)[] = [];

/** Does the work that there is, and says whether it went well. */
async function work(): Promise<boolean> {
  if (trouble.delayMs > 0) await pause(trouble.delayMs);
  return Math.random() >= trouble.failing;
}

/** The methods that callers use; there are no others here. */
const service: ServedService = {
  definition: StorageServiceDefinition,
  implementation: {
    async getObject() {
      if (await work()) return { name };
      throw trouble.as === "UNAVAILABLE"
        ? new DomainError("SERVICE_UNAVAILABLE", { service: "storage" })
        : new Error("on purpose");
    },
    async *readObject(_: unknown, { signal }: CallContext) {
      yield { object: { name } };
      streams += 1;
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      streams -= 1;
    },
  },
  access: { getObject: "anybody", readObject: "anybody" },
};

const storage = defineModule({
  name: "storage",
  port: 7001,
  clients: [],
  config: () => undefined,
  start: async () => ({
    services: [service],
    async check() {
      setImmediate(() => {
        for (const tell of unheard.splice(0)) tell();
      });
      if (!trouble.serving) throw new Error("on purpose");
    },
  }),
});

const health = new HealthImplementation({ "": "SERVING" });

function bareCredentials(): ServerCredentials {
  if (MESH_TLS_CERT === undefined || MESH_TLS_KEY === undefined || MESH_TLS_CA === undefined) {
    return ServerCredentials.createInsecure();
  }
  const files = new experimental.FileWatcherCertificateProvider({
    certificateFile: MESH_TLS_CERT,
    privateKeyFile: MESH_TLS_KEY,
    caCertificateFile: MESH_TLS_CA,
    refreshIntervalMs: TLS_REFRESH_MS,
  });
  return experimental.createCertificateProviderServerCredentials(files, files, true);
}

function serveBare(): Promise<string> {
  const server = new Server(TLS_AGE_MS > 0 ? { "grpc.max_connection_age_ms": TLS_AGE_MS } : {});
  const same = (bytes: Buffer) => bytes;
  const method = {
    path: GET_OBJECT,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
  const answer = Buffer.from(StoredObject.encode(StoredObject.fromPartial({ name })).finish());
  const serveCall = async (done: sendUnaryData<Buffer>) => {
    if (await work()) done(null, answer);
    else done({ code: status[trouble.as], details: "on purpose", metadata: new Metadata() });
  };
  server.addService(
    { getObject: method },
    {
      getObject(_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        void serveCall(done);
      },
    },
  );
  health.addToServer(server);
  return new Promise((resolve, reject) => {
    server.bindAsync(BARE_LISTEN, bareCredentials(), (error, port) => {
      if (error) reject(error);
      else resolve(`${BARE_LISTEN.slice(0, BARE_LISTEN.lastIndexOf(":"))}:${port}`);
    });
  });
}

async function meet(given: Trouble): Promise<void> {
  const changed = given.serving !== undefined && given.serving !== trouble.serving;
  Object.assign(trouble, given);
  if (!changed) return;
  health.setStatus("", trouble.serving ? "SERVING" : "NOT_SERVING");
  // The check that is now to come, not one that has begun.
  await new Promise<void>((resolve) => unheard.push(resolve));
}

let started: (mesh: string) => void = () => undefined;
const mesh = new Promise<string>((resolve) => {
  started = resolve;
});
const bare = serveBare();

process.on("message", (given: Trouble) => {
  void meet(given).then(async () => {
    const answer: ReplicaAnswer = { mesh: await mesh, bare: await bare, streams };
    process.send?.(answer);
  });
});
process.on("disconnect", () => process.exit());
await run([storage], (running) => {
  started(running.addressOf("storage"));
});
