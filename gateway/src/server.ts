import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenAddress } from "@reelmesh/mesh/environment.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import { checkRequest } from "./guard.js";
import { sendProblem } from "./problem.js";
import { requestIdOf } from "./scope.js";

/** How long a client whose request was refused may go on sending before its connection is cut. */
const LINGER_MS = 2_000;

/** Answers one request, or rejects with what a problem is made of. */
export type EdgeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The edge's HTTP server at work. */
export interface EdgeServer {
  readonly address: ListenAddress;
  /** Takes no new requests, lets those at work end for `graceMs`, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the byte paths by handlers of their own, and everything else by `pages`.
 *
 * @param paths handlers by the first part of the path, such as `media`.
 * @throws Error when the address cannot be bound.
 */
export async function startEdge(options: {
  listen: ListenAddress;
  hosts: readonly string[];
  paths: ReadonlyMap<string, EdgeHandler>;
  pages: (request: IncomingMessage, response: ServerResponse) => void;
  log: Logger;
}): Promise<EdgeServer> {
  const { listen, hosts, paths, pages, log } = options;

  const answer = async (handler: EdgeHandler, request: IncomingMessage, response: ServerResponse) => {
    try {
      checkRequest(request, hosts);
      await handler(request, response);
    } catch (error) {
      // The rest of a refused body is not worth waiting for.
      if (!request.complete && !response.headersSent) response.setHeader("connection", "close");
      const requestId = requestIdOf(request, response);
      const { unexpected } = sendProblem(response, error, requestId);
      if (unexpected) log.error({ err: error, request_id: requestId }, "a request failed in a way nobody foresaw");
      if (!request.complete) linger(request);
    }
  };

  const server = createServer(
    { requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      const [, first = ""] = /^\/([^/?]*)/.exec(request.url ?? "") ?? [];
      const handler = paths.get(first);
      if (handler) void answer(handler, request, response);
      else pages(request, response);
    },
  );
  const port = await bind(server, listen);
  return { address: { host: listen.host, port }, close: (graceMs) => close(server, graceMs) };
}

/** Reads on for a moment, so that the client finds the answer before it finds its connection closed. */
function linger(request: IncomingMessage): void {
  request.on("error", () => undefined);
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request.once("close", () => {
    clearTimeout(timer);
  });
}

async function bind(server: Server, { host, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`Cannot listen on ${host}:${port}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const grace = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(grace);
}
