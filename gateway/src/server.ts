import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { ListenAddress } from "@reelmesh/mesh/environment.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import { settlesWithin } from "@reelmesh/mesh/patience.js";
import { checkRequest } from "./guard.js";
import { sendProblem } from "./problem.js";
import { requestIdOf } from "./scope.js";

/** How long a client whose request was refused may go on sending before its connection is cut. */
const LINGER_MS = 2_000;

/**
 * Answers one request, or rejects with what a problem is made of. To a client that expects `100-continue` it says so
 * itself, before it reads the body.
 */
export type EdgeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The edge's HTTP server at work. */
export interface EdgeServer {
  readonly address: ListenAddress;
  /**
   * Serves on for `noticeMs`, default 0, and ends each connection with its next answer, so that clients and balancers
   * turn elsewhere. Then takes no new requests, cuts off bodies that are coming in, lets the rest end for `graceMs`,
   * and cuts it off.
   */
  close(graceMs: number, noticeMs?: number): Promise<void>;
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

  const atWork = new Map<IncomingMessage, Promise<void>>();
  let leaving = false;

  const answer = async (handler: EdgeHandler, request: IncomingMessage, response: ServerResponse) => {
    const requestId = requestIdOf(request, response);
    try {
      checkRequest(request, hosts);
      await handler(request, response);
    } catch (error) {
      const { unexpected } = sendProblem(response, error, requestId);
      if (unexpected) log.error({ err: error, request_id: requestId }, "a request failed in a way nobody foresaw");
    }
    if (!request.complete) linger(request);
  };

  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (leaving) response.shouldKeepAlive = false;
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections();
    });
    const [, first = ""] = /^\/([^/?]*)/.exec(request.url ?? "") ?? [];
    const handler = paths.get(first);
    if (!handler) {
      if (request.headers.expect !== undefined) response.writeContinue();
      pages(request, response);
      return;
    }
    const work = answer(handler, request, response);
    atWork.set(request, work);
    void work.then(() => atWork.delete(request));
  };

  const server = createServer({ requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 65_000 }, serve);
  // A handler says itself when it wants the body (`writeContinue`); without this Node always does.
  server.on("checkContinue", serve);
  const port = await bind(server, listen);
  return {
    address: { host: listen.host, port },
    async close(graceMs, noticeMs = 0) {
      leaving = true;
      if (noticeMs > 0) await pause(noticeMs);
      const closed = new Promise((resolve) => server.close(resolve));
      // A body still coming is cut: its handler keeps what has arrived, and its client can go on elsewhere.
      for (const request of atWork.keys()) if (!request.complete) request.destroy();
      if (await settlesWithin(graceMs, Promise.all([closed, ...atWork.values()]))) return;
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Reads on for a moment, so that a client whose body is not wanted finds the answer before its connection is cut. */
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
