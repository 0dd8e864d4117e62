import type { FileRegistry } from "@bufbuild/protobuf";
import type { Mesh } from "@reelmesh/mesh/module.js";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import helmet from "helmet";
import type { RequestListener } from "node:http";
import { EVENTS_DESCRIPTION, EVENTS_PATH } from "./events/description.js";
import { checkRequest } from "./guard.js";
import { createJsonHandler, type JsonOptions } from "./json/handler.js";
import { compileRoutes } from "./json/routes.js";
import { describeApi } from "./openapi/document.js";
import { createPages } from "./pages.js";
import { EdgeError, sendProblem } from "./problem.js";
import { requestIdOf, type PrincipalOf } from "./scope.js";
import type { EdgeHandler } from "./server.js";

export interface AppOptions {
  /** The contracts whose google.api.http rules are served; see readContracts. */
  readonly contracts: FileRegistry;
  readonly callerOf: JsonOptions["callerOf"];
  readonly principalOf: PrincipalOf;
  /** Serves the event stream. */
  readonly events: EdgeHandler;
  /** Hosts to answer for besides loopback names; see checkRequest. */
  readonly allowedHosts: readonly string[];
  /** The web application's build, an absolute path. */
  readonly webFolder: string;
  readonly log: Pick<Mesh["log"], "error">;
  /** How long a body may take to arrive, and then the call. Default 15 s. */
  readonly timeoutMs?: number;
}

/** The largest body in JSON: a description of 10,000 characters, each escaped as two times `\uXXXX`, and change. */
const BODY_LIMIT_BYTES = 256 * 1024;
const TIMEOUT_MS = 15_000;

/**
 * The edge but for uploads and media: the JSON API, its description, the event stream, and the pages, all guarded by
 * checkRequest.
 */
export function createApp(options: AppOptions): RequestListener {
  const { contracts, callerOf, principalOf, events, allowedHosts, webFolder, log, timeoutMs = TIMEOUT_MS } = options;
  const routes = compileRoutes(contracts);
  const answer = createJsonHandler({ routes, callerOf, principalOf, bodyLimitBytes: BODY_LIMIT_BYTES, timeoutMs });
  const description = Buffer.from(JSON.stringify(describeApi(routes, { [EVENTS_PATH]: EVENTS_DESCRIPTION })));

  const app = express();
  app.disable("x-powered-by");
  app.disable("trust proxy");
  app.disable("query parser");
  app.enable("case sensitive routing");
  app.enable("strict routing");

  app.use(securityHeaders());
  app.get("/healthz", (_request, response) => {
    response.type("text").set("cache-control", "no-store").send("ok\n");
  });
  app.get("/api/openapi.json", (_request, response) => {
    response.type("json").set("cache-control", "no-cache").send(description);
  });
  app.all(["/healthz", "/api/openapi.json"], onlyReads);
  app.all(EVENTS_PATH, events);
  app.use("/api", (request, response) => answer(request, response, request.originalUrl));
  app.use(createPages(webFolder));
  app.use(createErrorHandler(log));

  // Checked outside Express, which answers a target that it cannot parse by itself.
  return (request, response) => {
    const requestId = requestIdOf(request, response);
    try {
      checkRequest(request, allowedHosts);
    } catch (error) {
      sendProblem(response, error, requestId);
      return;
    }
    app(request, response);
  };
}

const onlyReads: RequestHandler = () => {
  throw new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET, HEAD" });
};

function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        scriptSrcAttr: ["'none'"],
        // media-chrome's elements bear their styles as <style> in their shadow roots.
        styleSrcElem: ["'self'", "'unsafe-inline'"],
        styleSrcAttr: ["'none'"],
        // Stills of the files that somebody uploads.
        imgSrc: ["'self'", "blob:"],
        mediaSrc: ["'self'", "blob:"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whoever ends TLS in front decides that; over plain HTTP the header means nothing.
    strictTransportSecurity: false,
    // Not `no-referrer`: browsers would send `Origin: null` with a form's POST.
    referrerPolicy: { policy: "same-origin" },
    xFrameOptions: { action: "deny" },
  });
}

function createErrorHandler(log: AppOptions["log"]): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      // Express cuts off a response that has begun.
      next(error);
      return;
    }
    const requestId = requestIdOf(request, response);
    const { unexpected } = sendProblem(response, error, requestId);
    if (unexpected) log.error({ err: error, request_id: requestId }, "a request failed in a way nobody foresaw");
  };
}
