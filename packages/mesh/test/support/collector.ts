import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterTest } from "./mesh.js";
import { until } from "./until.js";

/** A span as OTLP's JSON encoding has it, with the service that it is of. */
export interface CollectedSpan {
  readonly service: unknown;
  readonly name: unknown;
  readonly traceId: unknown;
  readonly spanId: unknown;
  readonly parentSpanId: unknown;
  /** 2 server, 3 client. */
  readonly kind: unknown;
  /** 2: error. */
  readonly status: unknown;
}

/** An OTLP collector over HTTP that keeps what it gets. */
export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.url === "/v1/traces") spans.push(...spansOf(JSON.parse(body)));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterTest(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    spans: () => spans,
    async until(count: number) {
      await until(() => spans.length >= count);
      return spans;
    },
  };
}

function spansOf(body: unknown): readonly CollectedSpan[] {
  return list(body, "resourceSpans").flatMap((resource) => {
    const attributes = list(field(resource, "resource"), "attributes");
    const named = attributes.find((attribute) => field(attribute, "key") === "service.name");
    const service = field(field(named, "value"), "stringValue");
    return list(resource, "scopeSpans")
      .flatMap((scope) => list(scope, "spans"))
      .map((span) => ({
        service,
        name: field(span, "name"),
        traceId: field(span, "traceId"),
        spanId: field(span, "spanId"),
        parentSpanId: field(span, "parentSpanId"),
        kind: field(span, "kind"),
        status: field(field(span, "status"), "code"),
      }));
  });
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}

function list(value: unknown, name: string): readonly unknown[] {
  const items = field(value, name);
  return Array.isArray(items) ? items.map((item: unknown) => item) : [];
}
