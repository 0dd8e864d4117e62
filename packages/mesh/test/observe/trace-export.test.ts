import { expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { createServer } from "node:http";
import { defineModule } from "../../src/module.js";
import { traceRequest } from "../../src/observe/http-trace.js";
import { DomainError } from "../../src/errors.js";
import { dialable } from "../../src/plan.js";
import { scope, startMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { startCollector } from "../support/collector.js";

/** An edge that reads an object for each request. */
const edge = defineModule({
  name: "gateway",
  clients: ["storage"],
  config: () => undefined,
  async start(_, mesh) {
    const storage = mesh.client("storage", StorageServiceDefinition);
    const server = createServer((request, response) => {
      const trace = traceRequest(request, response, "gateway");
      void storage
        .getObject({ object: request.url ?? "" }, scope({ trace }))
        .then(
          () => (response.statusCode = 200),
          () => (response.statusCode = 500),
        )
        .finally(() => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    return {
      listening: { host: "127.0.0.1", port: typeof bound === "object" && bound ? bound.port : 0 },
      stop: async () => void server.close(),
    };
  },
});

const storage = storageModule({
  async getObject({ object }) {
    if (object.startsWith("/broken")) throw new DomainError("INTERNAL");
    return {};
  },
});

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const BROWSER = "00f067aa0ba902b7";

test("spans reach an OTLP collector, each under the one that caused it, from the browser on", async () => {
  const collector = await startCollector();
  const mesh = await startMesh([storage, edge], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "10",
  });
  const url = `http://${mesh.addressOf("gateway")}`;
  await fetch(`${url}/media/some/grant`, { headers: { traceparent: `00-${TRACE}-${BROWSER}-01` } });
  const spans = await collector.until(3);
  const of = (service: string, kind: number) => spans.find((span) => span.service === service && span.kind === kind);
  const request = of("gateway", 2);
  const call = of("gateway", 3);
  const served = of("storage", 2);
  expect(request).toMatchObject({ name: "GET /media", traceId: TRACE, parentSpanId: BROWSER });
  const name = "reelmesh.storage.v1.StorageService/GetObject";
  expect(call).toMatchObject({ name, traceId: TRACE, parentSpanId: request?.spanId });
  expect(served).toMatchObject({ name, traceId: TRACE, parentSpanId: call?.spanId });
  expect(mesh.calls()).toMatchObject([{ trace_id: TRACE }]);
  expect(JSON.stringify(spans)).not.toContain("grant");
});

test("a request without a trace begins one, and what fails is marked", async () => {
  const collector = await startCollector();
  const mesh = await startMesh([storage, edge], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_BSP_SCHEDULE_DELAY: "10",
  });
  await fetch(`http://${mesh.addressOf("gateway")}/broken/1`);
  const spans = await collector.until(3);
  const [root] = spans.filter(({ parentSpanId }) => parentSpanId === undefined || parentSpanId === "");
  expect(root).toMatchObject({ service: "gateway", name: "GET /broken", status: 2 });
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(spans.map(({ status }) => status)).toEqual([2, 2, 2]);
});

test("what is held goes out before the process ends", async () => {
  const collector = await startCollector();
  const mesh = await startMesh([storage, edge], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "60000",
  });
  await fetch(`http://${mesh.addressOf("gateway")}/`);
  await mesh.stop();
  expect(
    collector
      .spans()
      .map(({ service }) => service)
      .sort(),
  ).toEqual(["gateway", "gateway", "storage"]);
});

test("a trace that whoever began it does not sample is not exported, nor one beyond the share", async () => {
  const collector = await startCollector();
  const mesh = await startMesh([storage, edge], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "60000",
    OTEL_TRACES_SAMPLER_ARG: "0.5",
  });
  const url = `http://${mesh.addressOf("gateway")}`;
  const ask = (traceparent: string) => fetch(url, { headers: { traceparent } });
  await ask(`00-${TRACE}-${BROWSER}-00`);
  await ask(`00-${TRACE.slice(0, 24)}ffffffff-${BROWSER}-01`);
  await ask(`00-${TRACE.slice(0, 24)}00000000-${BROWSER}-01`);
  await mesh.stop();
  expect(new Set(collector.spans().map(({ traceId }) => traceId))).toEqual(new Set([`${TRACE.slice(0, 24)}00000000`]));
});

test("a collector that is gone costs nothing but its spans", async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const bound = gone.address();
  const port = typeof bound === "object" && bound ? bound.port : 0;
  await new Promise((resolve) => gone.close(resolve));
  const mesh = await startMesh([storage, edge], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${dialable({ host: "127.0.0.1", port })}`,
    OTEL_BSP_SCHEDULE_DELAY: "1",
  });
  expect((await fetch(`http://${mesh.addressOf("gateway")}/`)).status).toBe(200);
});
