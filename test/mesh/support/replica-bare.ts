/** The storage contract as grpc-js alone speaks it, its unary methods and ReadObject. */
import { Server, ServerCredentials, status, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import type { Client, ClientReadableStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import {
  GetObjectRequest,
  ListObjectsRequest,
  ListObjectsResponse,
  ReadObjectRequest,
  ReadObjectResponse,
  StoredObject,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function method<I, O>(name: string, request: MessageType<I>, response: MessageType<O>): MethodDefinition<I, O> {
  return {
    path: `/reelmesh.storage.v1.StorageService/${name}`,
    requestStream: false,
    responseStream: name === "ReadObject",
    requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

export const GET = method("GetObject", GetObjectRequest, StoredObject);
export const LIST = method("ListObjects", ListObjectsRequest, ListObjectsResponse);
export const READ = method("ReadObject", ReadObjectRequest, ReadObjectResponse);

/** What the replica does, however it is served. */
export interface Work {
  getObject(object: string, signal: AbortSignal): Promise<{ name: string }>;
  readObject(
    request: Pick<ReadObjectRequest, "object" | "offset" | "length">,
    signal: AbortSignal,
  ): AsyncIterable<{ object: { name: string; etag: string } } | { data: Buffer }>;
  listObjects(pageSize: number, signal: AbortSignal): Promise<{ nextPageToken: string }>;
}

/** Serves as users of grpc-js write a server, and ends politely. */
export function serveBare(work: Work, listen: string, ready: (address: string) => void): void {
  const server = new Server();
  server.addService(
    { getObject: GET, listObjects: LIST, readObject: READ },
    {
      getObject(call: ServerUnaryCall<GetObjectRequest, StoredObject>, answer: sendUnaryData<StoredObject>) {
        void work.getObject(call.request.object, signalOf(call)).then((found) => {
          answer(null, StoredObject.fromPartial(found));
        });
      },
      listObjects(
        call: ServerUnaryCall<ListObjectsRequest, ListObjectsResponse>,
        answer: sendUnaryData<ListObjectsResponse>,
      ) {
        void work.listObjects(call.request.pageSize, signalOf(call)).then((found) => {
          answer(null, ListObjectsResponse.fromPartial(found));
        });
      },
      readObject(call: ServerWritableStream<ReadObjectRequest, ReadObjectResponse>) {
        void send(work, call, signalOf(call));
      },
    },
  );
  server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    ready(`127.0.0.1:${port}`);
  });
  process.once("SIGTERM", () => {
    server.tryShutdown(() => process.exit());
  });
}

async function send(
  work: Work,
  call: ServerWritableStream<ReadObjectRequest, ReadObjectResponse>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of work.readObject(call.request, signal)) {
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

/** A call that grpc-js makes: how it ended, and how to leave it. */
export interface BareCall {
  readonly ended: Promise<status>;
  cancel(): void;
}

/** Calls GetObject. */
export function getBare(client: Client, object: string, { deadlineMs = 30_000 } = {}): BareCall {
  let settle: (code: status) => void = () => undefined;
  const ended = new Promise<status>((resolve) => {
    settle = resolve;
  });
  const call = client.makeUnaryRequest(
    GET.path,
    GET.requestSerialize,
    GET.responseDeserialize,
    GetObjectRequest.fromPartial({ object }),
    { deadline: Date.now() + deadlineMs },
    (error: ServiceError | null) => {
      settle(error?.code ?? status.OK);
    },
  );
  return {
    ended,
    cancel() {
      call.cancel();
    },
  };
}

/** Calls ReadObject. */
export function readBare(
  client: Client,
  request: Partial<ReadObjectRequest>,
): ClientReadableStream<ReadObjectResponse> {
  return client.makeServerStreamRequest(
    READ.path,
    READ.requestSerialize,
    READ.responseDeserialize,
    ReadObjectRequest.fromPartial(request),
  );
}

/** Waits until so many calls are at work in the replica. */
export function untilAtWork(client: Client, pageSize: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const answered = (error: ServiceError | null) => {
      if (error) reject(error);
      else resolve();
    };
    const request = ListObjectsRequest.fromPartial({ pageSize });
    client.makeUnaryRequest(LIST.path, LIST.requestSerialize, LIST.responseDeserialize, request, answered);
  });
}
