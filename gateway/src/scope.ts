import type { CallScope, Principal } from "@reelmesh/mesh/call.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { traceRequest } from "@reelmesh/mesh/observe/http-trace.js";
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Who is asking, as the edge found out. Nothing: somebody unknown. */
export interface Caller {
  readonly principal?: Principal | undefined;
  readonly principalToken?: string | undefined;
}

/** Finds out who is asking. Throws DomainError, such as TOKEN_INVALID. */
export type PrincipalOf = (request: IncomingMessage) => Caller | Promise<Caller>;

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;
const HEADER = "x-request-id";

/** The request's id: what the client chose, if well-formed, else a new one. The response bears it from now on. */
export function requestIdOf(request: IncomingMessage, response: ServerResponse): string {
  const known = response.getHeader(HEADER);
  if (typeof known === "string") return known;
  const chosen = request.headers[HEADER];
  const requestId = typeof chosen === "string" && REQUEST_ID.test(chosen) ? chosen : randomUUID();
  response.setHeader(HEADER, requestId);
  return requestId;
}

/**
 * The scope of the calls made for a request: it ends when the response does, when the client goes, or when
 * `timeoutMs` is over (absent: no limit).
 */
export function openScope(
  request: IncomingMessage,
  response: ServerResponse,
  { principal, principalToken }: Caller,
  { timeoutMs }: { timeoutMs?: number } = {},
): CallScope {
  const controller = new AbortController();
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          controller.abort(new DomainError("DEADLINE_EXCEEDED"));
        }, timeoutMs);
  response.once("close", () => {
    clearTimeout(timer);
    controller.abort(new DomainError("CANCELLED"));
  });
  if (response.destroyed) controller.abort(new DomainError("CANCELLED"));
  return {
    requestId: requestIdOf(request, response),
    signal: controller.signal,
    deadline: timeoutMs === undefined ? undefined : Date.now() + timeoutMs,
    principal,
    principalToken,
    trace: traceRequest(request, response, "gateway"),
  };
}
