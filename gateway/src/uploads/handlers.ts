import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import { Upload_State, type Upload } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import type { NextScope, UploadClients } from "./block-writer.js";
import { assertFits, receiveBody, type BodyTarget } from "./receive.js";
import * as tus from "./tus.js";

/** One request of the protocol. */
export interface TusCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly nextScope: NextScope;
  /** `uploads/{upload}`; empty for a request to the collection. */
  readonly name: string;
}

/** "A successful response MUST contain the Tus-Version header"; Tus-Resumable in the request "MUST be ignored". */
export function options({ response }: Pick<TusCall, "response">): void {
  response.writeHead(204, {
    "tus-version": tus.TUS_VERSION,
    "tus-extension": tus.TUS_EXTENSIONS,
    "tus-checksum-algorithm": tus.CHECKSUM_ALGORITHMS.join(","),
  });
  response.end();
}

/**
 * Creation: "The Server MUST acknowledge a successful upload creation with the 201 Created status", and "MUST set the
 * Location header". With a body of the right type, creation-with-upload: "similar rules as for the PATCH request and
 * response apply".
 */
export async function create(clients: UploadClients, call: TusCall): Promise<void> {
  const { request, response, nextScope } = call;
  const sizeBytes = tus.readLength(request);
  const header = String(request.headers["upload-metadata"] ?? "");
  const metadata = tus.readMetadata(header);
  const checksum = tus.readChecksum(request);
  const withBody = request.headers["content-type"] === tus.BODY_TYPE;
  if (withBody) assertFits(request, sizeBytes);
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
    await nextScope(),
  );
  const target = { name: upload.name, offset: 0n, checksum };
  const written = withBody && !isComplete(upload) ? await receiveFirst(call, target, clients) : upload;
  if (!written) return;
  response.writeHead(201, {
    location: `/${upload.name}`,
    "reelmesh-video": upload.video,
    ...(withBody ? { "upload-offset": String(written.offsetBytes) } : {}),
    ...expires(written),
    "content-length": 0,
  });
  response.end();
}

/**
 * "The Server SHOULD accept as many bytes as possible", and say what the offset is then: a service that fails half-way is
 * met again by the next PATCH. A body that is wrong itself leaves no upload.
 */
async function receiveFirst(
  call: TusCall,
  target: BodyTarget,
  { uploads, storage }: UploadClients,
): Promise<Upload | undefined> {
  const { name } = target;
  try {
    return await receiveBody(call, target, { uploads, storage });
  } catch (error) {
    if (isDomainError(error) && error.reason !== "TOO_LARGE")
      return uploads.getUpload({ name }, await call.nextScope());
    await uploads.deleteUpload({ name }, await call.nextScope());
    throw error;
  }
}

/** "The Server MUST always include the Upload-Offset header", and Upload-Length "if the size of the upload is known". */
export async function head({ uploads }: UploadClients, { response, nextScope, name }: TusCall): Promise<void> {
  const upload = await uploads.getUpload({ name }, await nextScope());
  response.writeHead(200, {
    "upload-offset": String(upload.offsetBytes),
    "upload-length": String(upload.sizeBytes),
    // "Responses to HEAD requests MUST include the Upload-Metadata header and its value as specified by the Client."
    ...(upload.clientMetadata === "" ? {} : { "upload-metadata": upload.clientMetadata }),
    "reelmesh-video": upload.video,
    ...expires(upload),
  });
  response.end();
}

/**
 * "The Server MUST acknowledge successful PATCH requests with the 204 No Content status. It MUST include the
 * Upload-Offset header containing the new offset", and Upload-Expires "if the upload is going to expire".
 */
export async function patch(clients: UploadClients, call: TusCall): Promise<void> {
  const { request, response, name } = call;
  tus.assertBodyType(request);
  const target = { name, offset: tus.readOffset(request), checksum: tus.readChecksum(request) };
  const upload = await receiveBody(call, target, clients);
  if (!upload) return;
  const video = isComplete(upload) ? { "reelmesh-video": upload.video } : {};
  response.writeHead(204, { "upload-offset": String(upload.offsetBytes), ...video, ...expires(upload) });
  response.end();
}

/** Termination: "the Server SHOULD free associated resources and MUST respond with the 204 No Content status". */
export async function terminate({ uploads }: UploadClients, { response, nextScope, name }: TusCall): Promise<void> {
  // To the service, deleting what is not there is a success; to the protocol, "404 Not Found" for "all future requests".
  await uploads.getUpload({ name }, await nextScope());
  await uploads.deleteUpload({ name }, await nextScope());
  response.writeHead(204).end();
}

function isComplete(upload: Upload): boolean {
  return upload.state === Upload_State.FINISHING || upload.state === Upload_State.FINISHED;
}

/** Upload-Expires, in the format of RFC 9110, of an upload that is not complete. */
function expires(upload: Upload): Record<string, string> {
  if (isComplete(upload) || !upload.expireTime) return {};
  return { "upload-expires": upload.expireTime.toUTCString() };
}
