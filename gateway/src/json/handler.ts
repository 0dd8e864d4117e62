import type { RawCaller } from "@reelmesh/mesh/client.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { IncomingMessage, ServerResponse } from "node:http";
import { EdgeError } from "../problem.js";
import { openScope, type PrincipalOf } from "../scope.js";
import { readBody } from "./body.js";
import { decodeRequest } from "./request.js";
import { sendAnswer } from "./respond.js";
import { routesAt, type Route } from "./routes.js";
import { splitPath, type SplitPath } from "./template.js";

export interface JsonOptions {
  readonly routes: readonly Route[];
  /** How to call the methods of a service, given by its full name: `reelmesh.catalog.v1.CatalogService`. */
  readonly callerOf: (service: string) => RawCaller;
  readonly principalOf: PrincipalOf;
  /** The largest body that is read. */
  readonly bodyLimitBytes: number;
  /** How long a body may take to arrive, and then the call. */
  readonly timeoutMs: number;
}

/** Answers requests in JSON by calling the methods that the routes name. The handler rejects with what went wrong. */
export function createJsonHandler(
  options: JsonOptions,
): (request: IncomingMessage, response: ServerResponse, target: string) => Promise<void> {
  const { routes, principalOf, bodyLimitBytes, timeoutMs } = options;
  const callers = new Map(
    routes.map(({ method }) => [method.parent.typeName, options.callerOf(method.parent.typeName)] as const),
  );

  return async (request, response, target) => {
    const [path = "", query = ""] = splitOnce(target, "?");
    const at = splitPath(path);
    const route = choose(routes, request.method ?? "", at, path);
    const caller = await principalOf(request);
    const body = await readBody(request, { limitBytes: bodyLimitBytes, timeoutMs });
    const message = decodeRequest(route, { path: at, query, body });
    const call = callers.get(route.method.parent.typeName);
    if (!call) throw new DomainError("UNIMPLEMENTED");
    const scope = openScope(request, response, caller, { timeoutMs });
    const answer = await call(`/${route.method.parent.typeName}/${route.method.name}`, message, scope);
    sendAnswer(response, route.method, answer);
  };
}

/** HEAD is answered as GET is, without the body. */
function choose(routes: readonly Route[], httpMethod: string, at: SplitPath, path: string): Route {
  const fitting = routesAt(routes, at);
  if (fitting.length === 0) throw new DomainError("RESOURCE_NOT_FOUND", { resource: path });
  const wanted = httpMethod === "HEAD" ? "GET" : httpMethod;
  const route = fitting.find((candidate) => candidate.httpMethod === wanted);
  if (route) return route;
  const offered = fitting.flatMap((other) => (other.httpMethod === "GET" ? ["GET", "HEAD"] : [other.httpMethod]));
  throw new EdgeError("METHOD_NOT_ALLOWED", { allow: offered.sort().join(", ") });
}

function splitOnce(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
