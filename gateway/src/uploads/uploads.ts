import type { IncomingMessage, ServerResponse } from "node:http";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { traceRequest } from "@reelmesh/mesh/observe/http-trace.js";
import { EdgeError } from "../problem.js";
import { requestIdOf, type PrincipalOf } from "../scope.js";
import type { EdgeHandler } from "../server.js";
import type { NextScope, UploadClients } from "./block-writer.js";
import { create, head, options, patch, terminate, type TusCall } from "./handlers.js";
import { TUS_VERSION, assertVersion, methodOf } from "./tus.js";

type Verbs = ReadonlyMap<string, (clients: UploadClients, call: TusCall) => Promise<void>>;

const COLLECTION: Verbs = new Map([["POST", create]]);
const UPLOAD: Verbs = new Map([
  ["HEAD", head],
  ["PATCH", patch],
  ["DELETE", terminate],
]);

const PATH = /^\/uploads(?:\/([A-Za-z0-9]{1,64}))?\/?$/;

/** The tus protocol over the upload service: https://tus.io/protocols/resumable-upload */
export function createUploadsHandler(clients: UploadClients, principalOf: PrincipalOf): EdgeHandler {
  return async (request, response) => {
    response.setHeader("tus-resumable", TUS_VERSION);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("cache-control", "no-store");
    const method = methodOf(request);
    const [matched, id] = PATH.exec((request.url ?? "").split("?")[0] ?? "") ?? [];
    if (matched === undefined) throw new DomainError("RESOURCE_NOT_FOUND", { resource: "This upload" });
    const verbs = id === undefined ? COLLECTION : UPLOAD;
    if (method === "OPTIONS") {
      options({ response });
      return;
    }
    const handle = verbs.get(method);
    if (!handle) throw new EdgeError("METHOD_NOT_ALLOWED", { allow: ["OPTIONS", ...verbs.keys()].join(", ") });
    assertVersion(request);
    const name = id === undefined ? "" : `uploads/${id}`;
    await handle(clients, { request, response, name, nextScope: scopesOf(request, response, principalOf) });
  };
}

/** The scopes of a request's calls. They outlive a client that leaves: what arrived is still kept. */
function scopesOf(request: IncomingMessage, response: ServerResponse, principalOf: PrincipalOf): NextScope {
  const requestId = requestIdOf(request, response);
  const trace = traceRequest(request, response, "gateway");
  const { signal } = new AbortController();
  return async () => ({ requestId, signal, trace, ...(await principalOf(request)) });
}
