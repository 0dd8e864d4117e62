import type { IncomingMessage, ServerResponse } from "node:http";
import { publishSpan } from "./spans.js";
import { childOf, parseTraceparent, startTrace, type TraceContext } from "./trace.js";

const traces = new WeakMap<ServerResponse, TraceContext>();

/**
 * The span of an HTTP request, which begins when first asked for and ends with the response: in the browser's trace, or
 * in one of its own. Paths bear grants and ids: the span's name has the first segment alone.
 *
 * @param module whose span it is.
 */
export function traceRequest(request: IncomingMessage, response: ServerResponse, module: string): TraceContext {
  const known = traces.get(response);
  if (known) return known;
  const parent = parseTraceparent(one(request.headers.traceparent), one(request.headers.tracestate));
  const trace = parent ? childOf(parent) : startTrace();
  traces.set(response, trace);
  const startMs = performance.now();
  const { method = "GET" } = request;
  const segment = /^\/[a-z]{0,20}(?=[/?]|$)/.exec(request.url ?? "")?.[0] ?? "/";
  response.once("close", () => {
    if (!trace.sampled) return;
    publishSpan(() => ({
      name: `${method} ${segment}`,
      kind: "server",
      module,
      trace,
      parentSpanId: parent?.spanId,
      startMs: performance.timeOrigin + startMs,
      durationMs: performance.now() - startMs,
      attributes: { "http.request.method": method, "http.response.status_code": response.statusCode },
      error: response.statusCode >= 500 ? String(response.statusCode) : undefined,
    }));
  });
  return trace;
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
