import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "./environment.js";

/** The operators' HTTP server at work. */
export interface OpsServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/**
 * Serves `/livez`, true while the event loop turns, and `/readyz`, true while every module's own store answers.
 *
 * @param waitingFor the modules that do not serve at the moment.
 * @throws Error when the address cannot be bound.
 */
export async function startOpsServer(listen: ListenAddress, waitingFor: () => readonly string[]): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const reply = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    switch (request.url?.split("?")[0]) {
      case "/livez":
        reply(200, { status: "live" });
        break;
      case "/readyz": {
        const missing = waitingFor();
        if (missing.length === 0) reply(200, { status: "ready" });
        else reply(503, { status: "not ready", waitingFor: missing });
        break;
      }
      default:
        reply(404, { status: "not found" });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`Cannot listen on ${listen.host}:${listen.port}`, { cause: error }));
    });
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    address: { host: listen.host, port: boundPort(server.address()) },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
    },
  };
}

function boundPort(address: AddressInfo | string | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}
