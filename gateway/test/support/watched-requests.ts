import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A request as the server in this process sees it. */
export interface WatchedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** The requests that reach servers in this process, told by Node itself. */
export interface WatchedRequests {
  /** Those whose path begins so, in their order. */
  to(path: string): readonly WatchedRequest[];
  stop(): void;
}

const CHANNEL = "http.server.request.start";

export function watchRequests(): WatchedRequests {
  const seen: WatchedRequest[] = [];
  const note = (message: unknown) => {
    const { request, response, socket } = Object.assign({ request: null, response: null, socket: null }, message);
    if (isRequest(request) && isResponse(response) && isSocket(socket)) seen.push({ request, response, socket });
  };
  subscribe(CHANNEL, note);
  return {
    to: (path) => seen.filter(({ request }) => request.url?.startsWith(path)),
    stop: () => {
      unsubscribe(CHANNEL, note);
    },
  };
}

function isRequest(value: unknown): value is IncomingMessage {
  return value instanceof IncomingMessage;
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse;
}

function isSocket(value: unknown): value is Socket {
  return value instanceof Socket;
}
