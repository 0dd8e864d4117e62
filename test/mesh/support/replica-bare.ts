/** A replica of a storage service in a process of its own, as users of grpc-js write one. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import {
  ListObjectsResponse,
  ReadObjectResponse,
  StoredObject,
  type GetObjectRequest,
  type ListObjectsRequest,
  type ReadObjectRequest,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { GET, LIST, READ } from "./bare.js";
import { getObject, listObjects, readObject, ready } from "./replica-work.js";

const server = new Server();
server.addService(
  { getObject: GET, listObjects: LIST, readObject: READ },
  {
    getObject(call: ServerUnaryCall<GetObjectRequest, StoredObject>, answer: sendUnaryData<StoredObject>) {
      void getObject(call.request.object, signalOf(call)).then((found) => {
        answer(null, StoredObject.fromPartial(found));
      });
    },
    listObjects(
      call: ServerUnaryCall<ListObjectsRequest, ListObjectsResponse>,
      answer: sendUnaryData<ListObjectsResponse>,
    ) {
      void listObjects(call.request.pageSize, signalOf(call)).then((found) => {
        answer(null, ListObjectsResponse.fromPartial(found));
      });
    },
    readObject(call: ServerWritableStream<ReadObjectRequest, ReadObjectResponse>) {
      void send(call, signalOf(call));
    },
  },
);
const listen = process.env.STORAGE_LISTEN ?? "127.0.0.1:0";
server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  ready(`127.0.0.1:${port}`);
});
process.once("SIGTERM", () => {
  server.tryShutdown(() => process.exit());
});

async function send(
  call: ServerWritableStream<ReadObjectRequest, ReadObjectResponse>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of readObject(call.request, signal)) {
    if (call.write(ReadObjectResponse.fromPartial(message))) continue;
    await new Promise<void>((resolve) => {
      call.once("drain", resolve);
      signal.addEventListener("abort", () => {
        resolve();
      });
    });
  }
  call.end();
}

function signalOf(call: { on(event: "cancelled", listener: () => void): unknown }): AbortSignal {
  const gone = new AbortController();
  call.on("cancelled", () => {
    gone.abort();
  });
  return gone.signal;
}
