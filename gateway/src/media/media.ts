import type { IncomingMessage } from "node:http";
import type { Client } from "@reelmesh/mesh/client.js";
import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { OpenMediaResponse } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import { EdgeError } from "../problem.js";
import { openScope, type PrincipalOf } from "../scope.js";
import type { EdgeHandler } from "../server.js";
import type { AccessCache, MediaRequest } from "./access-cache.js";
import { typeHeaders } from "./media-type.js";
import { answerRange, type RangeAnswer, type RangeRequest } from "./range.js";
import { readResuming } from "./resume.js";
import { sendBytes } from "./send-bytes.js";

const PATH = /^\/media\/([A-Za-z0-9]{1,64})\/(-|[A-Za-z0-9_.-]{20,2048})\/([a-z0-9./-]{1,200})$/;

/** The byte path: what a grant opens, straight from storage, as RFC 9110 has it. */
export function createMediaHandler(parts: {
  accesses: AccessCache;
  storage: Client<typeof StorageServiceDefinition>;
  principalOf: PrincipalOf;
}): EdgeHandler {
  const { accesses, storage, principalOf } = parts;

  return async (request, response) => {
    const method = request.method === "GET" || request.method === "HEAD" ? request.method : undefined;
    if (!method) throw new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET, HEAD" });
    const wanted = parsePath(request.url ?? "");
    const scope = openScope(request, response, await principalOf(request));
    const access = await accesses.open(wanted, scope);
    const etag = `"${access.objectEtag.replace(/[^\x21\x23-\x7e]/g, "")}"`;
    const size = Number(access.sizeBytes);
    const answer = answerRange({ method, ...conditionsOf(request) }, etag, size);
    if (answer.status === 412) throw new EdgeError("PRECONDITION_FAILED");
    if (answer.status === 416) {
      response.setHeader("content-range", `bytes */${size}`);
      throw new DomainError("RANGE_NOT_SATISFIABLE", { resource: "This file", size_bytes: String(size) });
    }

    const headers = { ...commonHeaders(access, etag), ...lengthHeaders(answer, size) };
    if (!("start" in answer) || method === "HEAD" || size === 0) {
      response.writeHead(answer.status, headers).end();
      return;
    }
    const { capability, object, objectEtag } = access;
    const { status, start, end } = answer;
    const range = { offset: BigInt(start), length: BigInt(end - start) };
    const messages = readResuming(storage, { capability, object, ...range, ifMatch: objectEtag }, scope);
    try {
      await sendBytes(messages, response, { status, headers, length: end - start }, scope.signal);
    } catch (error) {
      if (isDomainError(error, "RESOURCE_NOT_FOUND", "ETAG_MISMATCH", "CAPABILITY_INVALID")) accesses.forget(wanted);
      throw error;
    }
  };
}

function parsePath(url: string): MediaRequest {
  const [, id, grant, item] = PATH.exec(url.split("?")[0] ?? "") ?? [];
  if (id === undefined || grant === undefined || item === undefined)
    throw new DomainError("RESOURCE_NOT_FOUND", { resource: "This page" });
  return { video: `videos/${id}`, grant, item };
}

function commonHeaders(access: OpenMediaResponse, etag: string): Record<string, string> {
  return {
    ...typeHeaders(access.contentType, access.filename),
    etag,
    "accept-ranges": "bytes",
    // A right that was withdrawn ends within a minute, in a browser's cache too.
    "cache-control": "private, max-age=60",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    // The grant is part of the address.
    "referrer-policy": "no-referrer",
  };
}

function lengthHeaders(answer: RangeAnswer, size: number): Record<string, string | number> {
  if (!("start" in answer)) return {};
  const { status, start, end } = answer;
  return {
    "content-length": end - start,
    ...(status === 206 ? { "content-range": `bytes ${start}-${end - 1}/${size}` } : {}),
  };
}

function conditionsOf({ headers }: IncomingMessage): Omit<RangeRequest, "method"> {
  const { range, "if-match": ifMatch, "if-none-match": ifNoneMatch, "if-range": ifRange } = headers;
  return { range, ifMatch, ifNoneMatch, ifRange: Array.isArray(ifRange) ? ifRange.join() : ifRange };
}
