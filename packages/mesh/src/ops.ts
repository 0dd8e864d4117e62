import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "./environment.js";
import type { Faults } from "./faults/faults.js";
import type { Metrics } from "./observe/metrics.js";
import type { RecentCalls } from "./observe/recent-calls.js";
import { streamCalls } from "./ops/events.js";
import { answerFaults } from "./ops/faults.js";
import { isOwnHost } from "./ops/host.js";
import { renderLive, renderPage } from "./ops/page.js";
import { SCRIPT } from "./ops/page-script.js";
import { STYLE } from "./ops/page-style.js";
import type { Peers } from "./ops/peers.js";
import { sendJson, sendText } from "./ops/respond.js";
import type { MeshState, MeshView } from "./ops/state.js";

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
  readonly peers: Peers;
  /** Absent: nobody may harm calls. */
  readonly faults: Faults | undefined;
  /** Whether calls come with certificates. */
  readonly secure: boolean;
}

/** Probes and scrapers come by whatever name; nothing here is of use to a page that comes by its own. */
const FOR_MACHINES: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics"]);

/**
 * Serves `/livez`, true while the event loop turns, `/readyz`, true while every module's own store answers, `/metrics`
 * and, for operators, `/mesh`. Nothing but `/mesh/faults` changes anything.
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
      sendJson(response, 421, { status: "this host is not served here" });
    } else if (path === "/mesh/faults") {
      void answerFaults(request, response, sources);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      sendJson(response, 405, { status: "nothing can be changed here" });
    } else {
      void answer(path, request, response, sources);
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

async function answer(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  sources: OpsSources,
): Promise<void> {
  switch (path) {
    case "/livez":
      sendJson(response, 200, { status: "live" });
      break;
    case "/readyz": {
      const missing = sources.waitingFor();
      if (missing.length === 0) sendJson(response, 200, { status: "ready" });
      else sendJson(response, 503, { status: "not ready", waitingFor: missing });
      break;
    }
    case "/metrics":
      await sendMetrics(response, sources.metrics);
      break;
    case "/mesh":
      sendText(response, "text/html", renderPage(await viewOf(sources)));
      break;
    case "/mesh/live":
      sendText(response, "text/html", renderLive(await viewOf(sources)));
      break;
    case "/mesh/style.css":
      sendText(response, "text/css", STYLE);
      break;
    case "/mesh/script.js":
      sendText(response, "text/javascript", SCRIPT);
      break;
    case "/mesh/state":
      sendJson(response, 200, sources.state());
      break;
    case "/mesh/all":
      sendJson(response, 200, await viewOf(sources));
      break;
    case "/mesh/calls":
      streamCalls(request, response, sources.recent);
      break;
    default:
      sendJson(response, 404, { status: "not found" });
  }
}

async function viewOf(sources: OpsSources): Promise<MeshView> {
  return { peers: await sources.peers.ask(), state: sources.state() };
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const body = await metrics.text();
    response.writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" });
    response.end(body);
  } catch {
    sendJson(response, 500, { status: "the metrics could not be read" });
  }
}

function boundPort(address: AddressInfo | string | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}
