import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { subscribeToSpans, type Span } from "@reelmesh/mesh/observe/spans.js";
import { parseTraceparent, startTrace } from "@reelmesh/mesh/observe/trace.js";
import { startAzurite, type Azurite } from "./azurite.js";
import { startRecordingProxy, type RecordingProxy } from "./recording-proxy.js";
import { startStorage, until, type RunningStorage } from "./running.js";
import { blockOf } from "./support.js";

describe("a trace goes on to the object store", () => {
  let azurite: Azurite;
  let proxy: RecordingProxy;
  let storage: RunningStorage;
  const spans: Span[] = [];
  let unsubscribe: () => void;

  beforeAll(async () => {
    azurite = await startAzurite();
    proxy = await startRecordingProxy(azurite);
    storage = await startStorage({ AZURE_STORAGE_CONNECTION_STRING: proxy.connectionString });
    unsubscribe = subscribeToSpans((span) => spans.push(span));
  });
  afterAll(async () => {
    unsubscribe();
    await storage.stop();
    await proxy.stop();
    await azurite.stop();
  });
  beforeEach(() => {
    proxy.asked.splice(0);
    spans.splice(0);
  });

  const object = "sources/traced";
  const scope = (trace = startTrace()) => ({ requestId: randomUUID(), signal: new AbortController().signal, trace });
  /** The requests that were made in a trace. */
  const madeIn = (traceId: string) =>
    proxy.asked.flatMap(({ method, headers }) => {
      const trace = parseTraceparent(one(headers.traceparent), one(headers.tracestate));
      return trace?.traceId === traceId ? [{ method, ...trace }] : [];
    });
  const one = (header: string | string[] | undefined) => (typeof header === "string" ? header : undefined);

  test("with each request that its calls make, under the span of the call, its state besides", async () => {
    const { client } = storage;
    const { block, data } = blockOf(1, randomBytes(1000));
    const within = scope({ ...startTrace(), state: "vendor=1" });
    const { traceId } = within.trace;
    const write = storage.allow(object, ["write"]);
    const sha256 = Buffer.from(block.sha256);
    const staged = { id: block.id, sizeBytes: 1000n, sha256 };
    await client.stageBlock({ capability: write, object, blockId: block.id, sha256, data }, within);
    await client.commitBlocks({ capability: write, object, blocks: [staged], contentType: "video/mp4" }, within);
    const capability = storage.allow(object, ["read", "delete"]);
    const bytes: Uint8Array[] = [];
    for await (const { data: piece } of client.readObject({ capability, object }, within)) bytes.push(piece);
    expect(Buffer.concat(bytes)).toEqual(data);
    await client.listObjects({ capability: storage.allow("sources/", ["list"]), prefix: "sources/" }, within);
    await client.deleteObject({ capability, object }, within);

    const requests = madeIn(traceId);
    expect(requests.map(({ method }) => method)).toEqual(expect.arrayContaining(["PUT", "HEAD", "GET", "DELETE"]));
    expect(requests).toHaveLength(proxy.asked.filter(({ headers }) => headers.traceparent !== undefined).length);
    expect(new Set(requests.map(({ state }) => state))).toEqual(new Set(["vendor=1"]));

    const served = new Set(spans.filter(({ kind }) => kind === "server").map(({ trace }) => trace.spanId));
    const toAzure = spans.filter(({ name }) => name.startsWith("Azure Blob Storage HTTP "));
    expect(served.size).toBe(5);
    expect(toAzure.map(({ trace }) => trace.spanId).sort()).toEqual(requests.map(({ spanId }) => spanId).sort());
    for (const { parentSpanId = "", kind, module } of toAzure) {
      expect(served).toContain(parentSpanId);
      expect({ kind, module }).toEqual({ kind: "client", module: "storage" });
    }
    expect(JSON.stringify(toAzure)).not.toContain("traced");
  });

  test("and a request that Azure refuses is a span that failed", async () => {
    const within = scope();
    const absent = "sources/absent";
    const asking = storage.client.getObject({ capability: storage.allow(absent, ["read"]), object: absent }, within);
    await expect(asking).rejects.toMatchObject({ reason: "RESOURCE_NOT_FOUND" });
    expect(madeIn(within.trace.traceId)).toMatchObject([{ method: "HEAD" }]);
    expect(spans.filter(({ name }) => name === "Azure Blob Storage HTTP HEAD")).toMatchObject([
      { error: "404", attributes: { "http.response.status_code": 404, "http.request.method": "HEAD" } },
    ]);
  });

  test("while what the store asks for itself is in none", async () => {
    await until(() => proxy.asked.length > 0);
    expect(proxy.asked.filter(({ headers }) => headers.traceparent !== undefined)).toEqual([]);
  });
});
