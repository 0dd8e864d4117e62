import { describe, expect, test } from "@jest/globals";
import { DomainError } from "../../src/errors.js";
import { defineModule } from "../../src/module.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { scope, startMesh, storageClient } from "../support/mesh.js";
import { get, readEvents } from "../support/ops.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";

const METHOD = "reelmesh.storage.v1.StorageService/GetObject";

/** A module that calls storage, and storage, which knows one object. */
async function startPair() {
  let call: (object: string) => Promise<unknown> = () => Promise.reject(new Error("not started"));
  const upload = defineModule({
    name: "upload",
    clients: ["storage"],
    config: () => undefined,
    async start(_, mesh) {
      const storage = mesh.client("storage", StorageServiceDefinition);
      call = (object) => storage.getObject({ capability: "top-secret", object }, scope());
      return {};
    },
  });
  const storage = storageModule({
    async getObject({ object }) {
      if (object === "there") return {};
      throw new DomainError<"RESOURCE_NOT_FOUND" | "INTERNAL">(object === "gone" ? "RESOURCE_NOT_FOUND" : "INTERNAL", {
        resource: object,
      });
    },
  });
  const mesh = await startMesh([storage, upload]);
  return { mesh, call: (object: string) => call(object) };
}

describe("what operators see of calls", () => {
  test("is exact on /metrics, on both sides", async () => {
    const { mesh, call } = await startPair();
    await call("there");
    await call("there");
    await rejection(call("gone"));
    const { status, type, body } = await get(mesh, "/metrics");
    expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    const edge = `caller="upload",service="storage",method="${METHOD}"`;
    expect(body.split("\n")).toEqual(
      expect.arrayContaining([
        `reelmesh_rpc_client_calls_total{${edge},code="OK"} 2`,
        `reelmesh_rpc_client_calls_total{${edge},code="NOT_FOUND"} 1`,
        `reelmesh_rpc_server_calls_total{${edge},code="OK"} 2`,
        `reelmesh_rpc_server_calls_total{${edge},code="NOT_FOUND"} 1`,
        `reelmesh_rpc_client_duration_seconds_count{${edge}} 3`,
        `reelmesh_rpc_server_duration_seconds_count{service="storage",method="${METHOD}"} 3`,
      ]),
    );
    expect(body).toContain("nodejs_eventloop_lag_p99_seconds");
    expect(body).toContain("process_resident_memory_bytes");
  });

  test("is exact in /mesh/state: an answer that says no is no failure", async () => {
    const { mesh, call } = await startPair();
    await call("there");
    await rejection(call("gone"));
    await rejection(call("broken"));
    const state: unknown = JSON.parse((await get(mesh, "/mesh/state")).body);
    const counts = { caller: "upload", service: "storage", method: METHOD, totalCalls: 3, totalFailed: 1, shed: 0 };
    const modules = [
      { name: "storage", ready: true, clients: [], address: mesh.addressOf("storage") },
      { name: "upload", ready: true, clients: ["storage"] },
    ];
    expect(state).toMatchObject({ modules, made: [counts], served: [counts] });
  });

  test("counts who was turned away for load by name, and only for that", async () => {
    const endless = storageModule({
      async *readObject(_, { signal }) {
        yield { data: Buffer.from("a") };
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
      },
    });
    const mesh = await startMesh([endless], { MESH_MAX_STREAMS: "1" });
    const held = storageClient(mesh, { caller: "upload" }).readObject({}, scope());
    await held.next();
    await rejection(storageClient(mesh, { caller: "streaming" }).readObject({}, scope()).next());
    await held.return(undefined);
    const { body } = await get(mesh, "/metrics");
    const [line = "", ...others] = body
      .split("\n")
      .filter((each) => each.startsWith("reelmesh_rpc_server_shed_total{"));
    const labels = `caller="streaming",service="storage",method="reelmesh.storage.v1.StorageService/ReadObject"`;
    expect(others).toEqual([]);
    expect(line).toMatch(/ [1-9]\d*$/);
    expect(line).toContain(`{${labels},criticality="critical"}`);
  });

  test("streams at /mesh/calls, those before first, without capabilities or tokens", async () => {
    const { mesh, call } = await startPair();
    await call("there");
    const events = await readEvents(mesh, "/mesh/calls?service=storage");
    await events.until(1);
    await rejection(call("gone"));
    const calls = await events.until(2);
    const both = { caller: "upload", service: "storage", method: METHOD, durationMs: expect.any(Number) };
    expect(calls).toEqual([
      expect.objectContaining({ ...both, status: "OK" }),
      expect.objectContaining({ ...both, status: "NOT_FOUND", reason: "RESOURCE_NOT_FOUND" }),
    ]);
    const text = events.text();
    for (const secret of ["top-secret", await mesh.tokens.forService("upload")]) expect(text).not.toContain(secret);
  });

  test("is of the services that are asked for", async () => {
    const { mesh, call } = await startPair();
    const others = await readEvents(mesh, "/mesh/calls?service=catalog");
    const all = await readEvents(mesh, "/mesh/calls");
    await call("there");
    await all.until(1);
    expect(others.text()).not.toContain("data:");
  });
});

describe("the operators' port", () => {
  test.each([
    ["/mesh", "evil.example", 421],
    ["/mesh/state", "evil.example:9090", 421],
    ["/mesh/calls", "localhost.evil.example", 421],
    ["/mesh", "localhost:9090", 200],
    ["/mesh", "[::1]:9090", 200],
    ["/mesh", "10.1.2.3", 200],
    ["/mesh", "ops.example.org", 200],
    ["/readyz", "whatever.example", 200],
    ["/metrics", "storage.reelmesh.svc", 200],
  ])("answers %s for the host %s with %i", async (path, host, status) => {
    const mesh = await startMesh([storageModule({})], { OPS_HOSTS: "ops.example.org" });
    expect((await get(mesh, path, { host })).status).toBe(status);
  });

  test("changes nothing for anybody", async () => {
    const mesh = await startMesh([storageModule({})]);
    expect((await get(mesh, "/mesh/state", { method: "POST" })).status).toBe(405);
  });

  test("shows what callers call themselves as text", async () => {
    const mesh = await startMesh([storageModule({ getObject: async () => ({}) })]);
    await storageClient(mesh, { caller: "<img src=x>" }).getObject({}, scope());
    const { body, csp } = await get(mesh, "/mesh");
    expect(body).not.toContain("<img");
    expect(body).toContain("&#60;img src=x&#62;");
    expect(csp).toContain("default-src 'none'");
  });
});
