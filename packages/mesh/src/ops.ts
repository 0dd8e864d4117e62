import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "./environment.js";
import type { Metrics } from "./observe/metrics.js";
import type { RecentCalls } from "./observe/recent-calls.js";
import { streamCalls } from "./ops/events.js";
import { isOwnHost } from "./ops/host.js";
import { renderLive, renderPage } from "./ops/page.js";
import { SCRIPT } from "./ops/page-script.js";
import { STYLE } from "./ops/page-style.js";
import type { MeshState } from "./ops/state.js";

/** The operators' HTTP server at work. */
export interface OpsServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** What operators are shown. */
export interface OpsSources {
  /** The modules that do not serve at the moment. */
  waitingFor(): readonly string[];
  state(): MeshState;
  readonly metrics: Metrics;
  readonly recent: RecentCalls;
}

/** Probes and scrapers come by whatever name; nothing here is of use to a page that comes by its own. */
const FOR_MACHINES: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics"]);

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Serves `/livez`, true while the event loop turns, `/readyz`, true while every module's own store answers, `/metrics`
 * and, for operators, `/mesh`. Nothing changes anything.
 *
 * @param allowedHosts names besides addresses and localhost that operators come by.
 * @throws Error when the address cannot be bound.
 */
export async function startOpsServer(
  listen: ListenAddress,
  sources: OpsSources,
  allowedHosts: readonly string[] = [],
): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    if (!FOR_MACHINES.has(path) && !isOwnHost(request.headers.host, allowedHosts)) {
      json(response, 421, { status: "this host is not served here" });
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      json(response, 405, { status: "nothing can be changed here" });
    } else {
      answer(path, request, response, sources);
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

function answer(path: string, request: IncomingMessage, response: ServerResponse, sources: OpsSources): void {
  switch (path) {
    case "/livez":
      json(response, 200, { status: "live" });
      break;
    case "/readyz": {
      const missing = sources.waitingFor();
      if (missing.length === 0) json(response, 200, { status: "ready" });
      else json(response, 503, { status: "not ready", waitingFor: missing });
      break;
    }
    case "/metrics":
      void sendMetrics(response, sources.metrics);
      break;
    case "/mesh":
      text(response, "text/html", renderPage(sources.state()));
      break;
    case "/mesh/live":
      text(response, "text/html", renderLive(sources.state()));
      break;
    case "/mesh/style.css":
      text(response, "text/css", STYLE);
      break;
    case "/mesh/script.js":
      text(response, "text/javascript", SCRIPT);
      break;
    case "/mesh/state":
      json(response, 200, sources.state());
      break;
    case "/mesh/calls":
      streamCalls(request, response, sources.recent);
      break;
    default:
      json(response, 404, { status: "not found" });
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  text(response, "application/json", `${JSON.stringify(body)}\n`, status);
}

function text(response: ServerResponse, type: string, body: string, status = 200): void {
  response.writeHead(status, {
    "content-type": type.startsWith("text/") ? `${type}; charset=utf-8` : type,
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
  });
  response.end(body);
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const body = await metrics.text();
    response.writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" });
    response.end(body);
  } catch {
    json(response, 500, { status: "the metrics could not be read" });
  }
}

function boundPort(address: AddressInfo | string | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}
