/**
 * A server whose calls take 5 ms, of this process or of a store behind it that does two things at a time; by the
 * mesh or by grpc-js alone.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { defineModule, serve, type Implementation } from "@reelmesh/mesh/module.js";
import { run } from "@reelmesh/mesh/run.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

const WORK_MS = 5;
const STORE_PLACES = 2;

const [, , runtime, kind] = process.argv;

function keepBusy(): void {
  const until = performance.now() + WORK_MS;
  while (performance.now() < until);
}

/** A store that does so many things at a time, in the order they come. */
function createStore(places: number): () => Promise<void> {
  let free = places;
  const waiting: (() => void)[] = [];
  return async () => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    await new Promise((resolve) => setTimeout(resolve, WORK_MS));
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
}

const askStore = createStore(STORE_PLACES);
const work = async () => {
  if (kind === "busy") keepBusy();
  else await askStore();
};

if (runtime === "grpc-js") {
  const server = new Server();
  const same = (bytes: Buffer) => bytes;
  const method = {
    path: "/reelmesh.storage.v1.StorageService/GetObject",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
  server.addService(
    { getObject: method },
    {
      getObject: (_call: unknown, answer: (error: null, bytes: Buffer) => void) => {
        void work().then(() => {
          answer(null, Buffer.alloc(0));
        });
      },
    },
  );
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, port) => {
    console.log(`http://127.0.0.1:${port}`);
  });
  process.once("SIGTERM", () => process.exit(0));
} else {
  const refuse = () => Promise.reject(new DomainError("UNIMPLEMENTED"));
  const implementation: Implementation<typeof StorageServiceDefinition> = {
    stageBlock: refuse,
    commitBlocks: refuse,
    discardBlocks: refuse,
    readObject: async function* () {
      yield await refuse();
    },
    async getObject() {
      await work();
      return {};
    },
    deleteObject: refuse,
    listObjects: refuse,
  };
  const storage = defineModule({
    name: "storage",
    port: 7001,
    clients: [],
    config: () => undefined,
    start: async () => ({
      services: [
        serve(StorageServiceDefinition, implementation, {
          stageBlock: "anybody",
          commitBlocks: "anybody",
          discardBlocks: "anybody",
          readObject: "anybody",
          getObject: "anybody",
          deleteObject: "anybody",
          listObjects: "anybody",
        }),
      ],
    }),
  });
  await run([storage], (mesh) => {
    console.log(`http://${mesh.addressOf("storage")}`);
  });
}
