import { describe, expect, test } from "@jest/globals";
import { Metadata, status } from "@grpc/grpc-js";
import { DomainError } from "../../src/errors.js";
import { toStatus } from "../../src/status.js";
import { scope, startMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { deferred, rejection, until } from "../support/until.js";
import { bareServer, listenedClient } from "./support.js";

const UNAVAILABLE = { code: status.UNAVAILABLE, details: "not now" };

function pushback(ms: string) {
  const metadata = new Metadata();
  metadata.set("grpc-retry-pushback-ms", ms);
  return { ...UNAVAILABLE, metadata };
}

/** Answers each of these in turn, then OK. */
function inTurn(...replies: NonNullable<Awaited<ReturnType<Parameters<typeof bareServer>[0]>>>[]) {
  let calls = 0;
  return () => replies[calls++];
}

describe("a failed call", () => {
  test("of an idempotent method is repeated when the service is unavailable", async () => {
    const server = await bareServer(inTurn(UNAVAILABLE, UNAVAILABLE));
    const { client, heard } = listenedClient(server.address);
    await client.getObject({}, scope());
    expect(heard.retries).toEqual(
      [2, 3].map((attempt) => ({
        caller: "tester",
        service: "storage",
        method: "reelmesh.storage.v1.StorageService/GetObject",
        attempt,
        code: status.UNAVAILABLE,
      })),
    );
    expect(heard.calls).toMatchObject([{ code: status.OK, attempt: 3, backend: server.address }]);
  });

  test("of another method is not", async () => {
    const server = await bareServer(inTurn(UNAVAILABLE));
    expect(await rejection(listenedClient(server.address).once("DeleteObject"))).toMatchObject({
      reason: "SERVICE_UNAVAILABLE",
    });
    expect(server.calls()).toBe(1);
  });

  test("that its server shed is repeated whatever the method", async () => {
    const server = await bareServer(inTurn(toStatus(new DomainError("OVERLOADED", { service: "storage" }))));
    await listenedClient(server.address).once("DeleteObject");
    expect(server.calls()).toBe(2);
  });

  test.each([
    ["the store is full", toStatus(new DomainError("NO_SPACE"))],
    ["resources are exhausted for reasons unsaid", { code: status.RESOURCE_EXHAUSTED, details: "x" }],
    ["another service is meant", toStatus(new DomainError("SERVICE_UNAVAILABLE", { service: "elsewhere" }))],
    ["the server forbids it", pushback("-1")],
    ["the server says what cannot be read", pushback("soon")],
    ["the server wants to wait beyond the deadline", pushback("20000")],
    ["the handler itself failed", toStatus(new DomainError("INTERNAL"))],
    ["it came too late", { code: status.DEADLINE_EXCEEDED, details: "x" }],
  ])("is not repeated when %s", async (_, reply) => {
    const server = await bareServer(inTurn(reply));
    await rejection(listenedClient(server.address).client.getObject({}, scope()));
    expect(server.calls()).toBe(1);
  });

  const shed = toStatus(new DomainError("OVERLOADED", { service: "storage" }));
  test.each([
    ["as often as it says so", [pushback("200"), pushback("200")], [200, 200]],
    ["twice as long each time that it was shed", [shed, shed, shed], [100, 200, 400]],
  ])("is repeated no sooner than the server wants, %s", async (_, replies, waits) => {
    const arrivals: number[] = [];
    const reply = inTurn(...replies);
    const server = await bareServer(() => {
      arrivals.push(performance.now());
      return reply();
    });
    await listenedClient(server.address).client.getObject({}, scope());
    expect(arrivals).toHaveLength(waits.length + 1);
    // Timers and messages tick in whole milliseconds.
    waits.forEach((ms, at) => {
      expect((arrivals[at + 1] ?? 0) - (arrivals[at] ?? 0)).toBeGreaterThanOrEqual(ms - 2);
    });
  });

  test("is not repeated once its caller is gone", async () => {
    const server = await bareServer(inTurn(pushback("10000")));
    const { client, heard } = listenedClient(server.address);
    const caller = new AbortController();
    const call = rejection(client.getObject({}, scope({ signal: caller.signal })));
    await until(() => server.calls() === 1);
    const reason = new Error("gone");
    caller.abort(reason);
    expect(await call).toBe(reason);
    expect([server.calls(), heard.retries.length]).toEqual([1, 0]);
  });

  test("of many is repeated only as often as the budget allows", async () => {
    let turn = 0;
    const server = await bareServer(() => ((turn += 1) % 2 === 0 ? UNAVAILABLE : undefined));
    const { client, heard } = listenedClient(server.address, { budget: { ratio: 0.2, reserve: 10 } });
    const all = await Promise.allSettled(Array.from({ length: 500 }, () => client.getObject({}, scope())));
    const failed = all.filter((each) => each.status === "rejected").length;
    expect(server.calls()).toBeLessThanOrEqual(500 * 1.2 + 10);
    expect(server.calls()).toBe(500 + heard.retries.length);
    expect(heard.retries.length).toBe(110);
    expect(failed).toBeGreaterThan(0);
  });
});

describe("a stream", () => {
  test("that fails before its first message is begun again", async () => {
    let begun = 0;
    const mesh = await startMesh([
      storageModule({
        async *readObject() {
          begun += 1;
          if (begun === 1) throw new DomainError("STORE_UNAVAILABLE");
          yield { data: Buffer.from("whole") };
        },
      }),
    ]);
    const { client, heard } = listenedClient(mesh.addressOf("storage"));
    const read: string[] = [];
    for await (const { data } of client.readObject({}, scope())) read.push(data.toString());
    expect(read).toEqual(["whole"]);
    expect(heard.retries).toMatchObject([{ attempt: 2, code: status.UNAVAILABLE }]);
  });

  test("that fails after it is not", async () => {
    let begun = 0;
    const seen = deferred();
    const mesh = await startMesh([
      storageModule({
        async *readObject() {
          begun += 1;
          yield { data: Buffer.from("first") };
          await seen.promise;
          throw new DomainError("STORE_UNAVAILABLE");
        },
      }),
    ]);
    const messages = listenedClient(mesh.addressOf("storage")).client.readObject({}, scope());
    await messages.next();
    seen.resolve();
    expect(await rejection(messages.next())).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(begun).toBe(1);
  });
});

test("a scope that has expired makes no call", async () => {
  const server = await bareServer(() => undefined);
  const { client } = listenedClient(server.address);
  const over = scope({ deadline: Date.now() - 1 });
  expect(await rejection(client.getObject({}, over))).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  expect(await rejection(client.readObject({}, over).next())).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  expect(server.calls()).toBe(0);
});
