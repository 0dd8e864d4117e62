import type { IncomingMessage, ServerResponse } from "node:http";
import { requestIdOf, type PrincipalOf } from "../scope.js";
import * as handlers from "./handlers.js";
import type { TusCall, UploadClients } from "./handlers.js";
import { TUS_VERSION, assertVersion, methodOf } from "./tus.js";

const PATH = /^\/uploads(?:\/([A-Za-z0-9]{1,64}))?\/?$/;

/** Answers one request under /uploads. Rejects with what a problem is made of. */
export type UploadsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The tus protocol over the upload service. Its calls outlive the client that leaves: what arrived is still kept.
 *
 * @param signal aborted when the process stops.
 */
export function createUploadsHandler(
  clients: UploadClients,
  principalOf: PrincipalOf,
  signal: AbortSignal,
): UploadsHandler {
  return async (request, response) => {
    response.setHeader("tus-resumable", TUS_VERSION);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("cache-control", "no-store");
    const method = methodOf(request);
    const [matched, id] = PATH.exec((request.url ?? "").split("?")[0] ?? "") ?? [];
    if (matched === undefined) handlers.unknownUpload();
    const { principal, principalToken } = await principalOf(request);
    const scope = { requestId: requestIdOf(request, response), signal, principal, principalToken };
    const call: TusCall = { request, response, scope, id: id ?? "" };
    if (method === "OPTIONS") {
      handlers.options(call);
      return;
    }
    assertVersion(request);
    await dispatch(clients, call, `${method} ${id === undefined ? "collection" : "upload"}`);
  };
}

function dispatch(clients: UploadClients, call: TusCall, what: string): Promise<void> {
  switch (what) {
    case "POST collection":
      return handlers.create(clients, call);
    case "HEAD upload":
      return handlers.head(clients, call);
    case "PATCH upload":
      return handlers.patch(clients, call);
    case "DELETE upload":
      return handlers.terminate(clients, call);
    default:
      return handlers.unknownMethod();
  }
}
