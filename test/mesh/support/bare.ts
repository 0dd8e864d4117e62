/** The storage contract as grpc-js alone speaks it, its unary methods and ReadObject. */
import {
  status,
  type Client,
  type ClientReadableStream,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
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
