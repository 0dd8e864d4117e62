import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import {
  Upload_State,
  type Upload,
  type UploadServiceDefinition,
} from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { EdgeError } from "../problem.js";
import { receiveBody } from "./receive.js";
import * as tus from "./tus.js";

/** The services that uploads go through. */
export interface UploadClients {
  readonly uploads: Client<typeof UploadServiceDefinition>;
  readonly storage: Client<typeof StorageServiceDefinition>;
}

/** One request of the protocol. `id` is the upload's, of all but OPTIONS and POST. */
export interface TusCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly scope: CallScope;
  readonly id: string;
}

/** Says what the server speaks. */
export function options({ response }: TusCall): void {
  response.writeHead(204, {
    "tus-version": tus.TUS_VERSION,
    "tus-extension": tus.TUS_EXTENSIONS,
    "tus-checksum-algorithm": tus.CHECKSUM_ALGORITHMS.join(","),
  });
  response.end();
}

/** Creation, and creation-with-upload where the request has a body. */
export async function create(clients: UploadClients, { request, response, scope }: TusCall): Promise<void> {
  const sizeBytes = tus.readLength(request);
  const header = String(request.headers["upload-metadata"] ?? "");
  const metadata = tus.readMetadata(header);
  const upload = await clients.uploads.createUpload(
    {
      upload: {
        sizeBytes,
        filename: metadata.get("filename") ?? metadata.get("name") ?? "",
        contentType: metadata.get("filetype") ?? metadata.get("type") ?? "",
        clientMetadata: header,
      },
      title: metadata.get("title") ?? "",
      visibility: metadata.get("visibility") ?? "",
      requestId: randomUUID(),
    },
    scope,
  );
  const withBody = request.headers["content-type"] === tus.BODY_TYPE && sizeBytes > 0n;
  const target = { name: upload.name, offset: 0n, checksum: tus.readChecksum(request) };
  const written = withBody ? await receiveBody(request, target, clients, scope) : upload;
  if (!written) return;
  const offset = withBody ? { "upload-offset": String(written.offsetBytes) } : {};
  response.writeHead(201, {
    location: `/${upload.name}`,
    "reelmesh-video": upload.video,
    ...expires(written),
    ...offset,
  });
  response.end();
}

/** Tells where an upload stands. */
export async function head(clients: UploadClients, { response, scope, id }: TusCall): Promise<void> {
  const upload = await clients.uploads.getUpload({ name: `uploads/${id}` }, scope);
  response.writeHead(200, {
    "upload-offset": String(upload.offsetBytes),
    "upload-length": String(upload.sizeBytes),
    ...(upload.clientMetadata === "" ? {} : { "upload-metadata": upload.clientMetadata }),
    "reelmesh-video": upload.video,
    "cache-control": "no-store",
    ...expires(upload),
  });
  response.end();
}

/** Takes bytes from an offset on. */
export async function patch(clients: UploadClients, { request, response, scope, id }: TusCall): Promise<void> {
  tus.assertBodyType(request);
  const target = { name: `uploads/${id}`, offset: tus.readOffset(request), checksum: tus.readChecksum(request) };
  const upload = await receiveBody(request, target, clients, scope);
  if (!upload) return;
  const video = isComplete(upload) ? { "reelmesh-video": upload.video } : {};
  response.writeHead(204, { "upload-offset": String(upload.offsetBytes), ...video, ...expires(upload) });
  response.end();
}

/** Termination: frees what an unfinished upload holds. */
export async function terminate(clients: UploadClients, { response, scope, id }: TusCall): Promise<void> {
  const name = `uploads/${id}`;
  await clients.uploads.getUpload({ name }, scope);
  await clients.uploads.deleteUpload({ name }, scope);
  response.writeHead(204).end();
}

/** Says that the protocol has no such request. */
export function unknownMethod(): never {
  throw new EdgeError("METHOD_NOT_ALLOWED", { allow: "OPTIONS, POST, HEAD, PATCH, DELETE" });
}

/** Says that there is no such upload. */
export function unknownUpload(): never {
  throw new DomainError("RESOURCE_NOT_FOUND", { resource: "This upload" });
}

function isComplete(upload: Upload): boolean {
  return upload.state === Upload_State.FINISHING || upload.state === Upload_State.FINISHED;
}

/** Upload-Expires, in the format of RFC 9110, of an upload that is not complete. */
function expires(upload: Upload): Record<string, string> {
  if (isComplete(upload) || !upload.expireTime) return {};
  return { "upload-expires": upload.expireTime.toUTCString() };
}
