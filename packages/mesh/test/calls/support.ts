import { Server, ServerCredentials, type Metadata, type StatusObject } from "@grpc/grpc-js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { DEADLINE_MS, openChannel, type ChannelOptions } from "../../src/channel.js";
import { createClient } from "../../src/client.js";
import type { ClientCallEvent, HedgeEvent, RetryEvent } from "../../src/observe/events.js";
import { createKeys } from "../../src/secret.js";
import { createTokens } from "../../src/tokens.js";
import { SECRET, afterTest, scope } from "../support/mesh.js";

/** What became of a client's calls. */
export interface Heard {
  readonly retries: RetryEvent[];
  readonly calls: ClientCallEvent[];
  readonly hedges: HedgeEvent["outcome"][];
}

/** A client of the storage contract at an address, and what an observer of it hears. */
export function listenedClient(address: string, options: ChannelOptions = {}) {
  const heard: Heard = { retries: [], hedges: [], calls: [] };
  const observer = {
    retry: (event: RetryEvent) => void heard.retries.push(event),
    clientCall: (event: ClientCallEvent) => void heard.calls.push(event),
    hedge: ({ outcome }: HedgeEvent) => void heard.hedges.push(outcome),
  };
  const tokens = createTokens(createKeys([Buffer.from(SECRET, "base64")]));
  const channel = openChannel("storage", address, "tester", tokens, DEADLINE_MS, observer, options);
  afterTest(() => {
    channel.close();
  });
  /** Calls a method as if its contract allowed no repetition. */
  const once = (method: string, given = scope()) =>
    channel.unary(
      {
        path: `/reelmesh.storage.v1.StorageService/${method}`,
        kind: "unary",
        idempotency: "none",
        serialize: () => Buffer.alloc(0),
        deserialize: (bytes) => bytes,
      },
      undefined,
      given,
    );
  return { client: createClient(StorageServiceDefinition, channel), heard, once };
}

/** What a bare server answers: a status, or nothing said for OK. */
export type Reply = Partial<StatusObject> | undefined;

/** A server of no mesh: unary methods answer an empty message or a status. */
export async function bareServer(answer: (method: string, metadata: Metadata) => Reply | Promise<Reply>) {
  const server = new Server();
  const bytes = (given: Buffer) => given;
  const methods = ["GetObject", "DeleteObject", "ListObjects", "StageBlock"];
  const definition = Object.fromEntries(
    methods.map((name) => [
      name,
      {
        path: `/reelmesh.storage.v1.StorageService/${name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    ]),
  );
  let calls = 0;
  server.addService(
    definition,
    Object.fromEntries(
      methods.map((name) => [
        name,
        (call: { metadata: Metadata }, callback: (error: Partial<StatusObject> | null, answer?: Buffer) => void) => {
          calls += 1;
          void Promise.resolve(answer(name, call.metadata)).then((failure) => {
            if (failure) callback(failure);
            else callback(null, Buffer.alloc(0));
          });
        },
      ]),
    ),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  afterTest(() => {
    server.forceShutdown();
  });
  return { address: `127.0.0.1:${port}`, calls: () => calls };
}
