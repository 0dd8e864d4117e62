import { expect, test } from "@jest/globals";
import { parseTraceparent, startTrace } from "../../src/observe/trace.js";
import { scope } from "../support/mesh.js";
import { deferred, rejection, until } from "../support/until.js";
import { bareServer, listenedClient } from "./support.js";

/** As many calls as it takes to know what is usual. */
const ENOUGH = 112;

test("a call that takes longer than usual is made a second time, and the faster answer counts", async () => {
  // Those before may be hedged too, and come late: the call is known by its trace.
  const trace = startTrace();
  let attempts = 0;
  const held = deferred<undefined>();
  const server = await bareServer((_, metadata) => {
    if (parseTraceparent(String(metadata.get("traceparent")[0]))?.traceId !== trace.traceId) return undefined;
    attempts += 1;
    return attempts === 1 ? held.promise : undefined;
  });
  const { client, heard } = listenedClient(server.address);
  for (let calls = 0; calls < ENOUGH; calls += 1) await client.getObject({}, scope());
  const hedged = heard.hedges.length;
  await client.getObject({}, scope({ trace }));
  expect(attempts).toBe(2);
  expect(heard.hedges.slice(hedged)).toEqual(["sent", "won"]);
  expect(heard.calls.at(-1)).toMatchObject({ attempt: 2 });
  held.resolve(undefined);
});

test("a method with side effects is never made twice at a time", async () => {
  let hangs = false;
  const held = deferred<undefined>();
  const server = await bareServer(() => (hangs ? held.promise : undefined));
  const { client, heard } = listenedClient(server.address);
  for (let calls = 0; calls < ENOUGH; calls += 1) await client.deleteObject({}, scope());
  hangs = true;
  // On a slow machine its time may be over before it has arrived.
  for (let [made, ms] = [0, 300]; server.calls() === ENOUGH; made += 1, ms *= 2) {
    expect(made).toBeLessThan(6);
    const failed = rejection(client.deleteObject({}, scope({ deadline: Date.now() + ms })));
    expect(await failed).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  }
  expect([server.calls(), heard.hedges.length]).toEqual([ENOUGH + 1, 0]);
  held.resolve(undefined);
});

test("no more calls are doubled than the budget allows, when all are slow at once", async () => {
  const total = 600;
  let slow = false;
  const server = await bareServer(async () => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 100));
    return undefined;
  });
  const { client, heard } = listenedClient(server.address, { budget: { ratio: 0.1, reserve: 50 } });
  for (let calls = 0; calls < ENOUGH; calls += 1) await client.getObject({}, scope());
  slow = true;
  await Promise.all(Array.from({ length: total }, () => client.getObject({}, scope())));
  const sent = heard.hedges.filter((outcome) => outcome === "sent").length;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThanOrEqual((total + ENOUGH) * 0.1);
  expect(server.calls()).toBe(total + ENOUGH + sent);
});

test("2,000 callers that hang up at once harm nobody else on the connection", async () => {
  const held = deferred<undefined>();
  const server = await bareServer((method) => (method === "GetObject" ? held.promise : undefined));
  const { client, heard } = listenedClient(server.address);
  const innocent = Array.from({ length: 20 }, () => client.getObject({}, scope()));
  await until(() => server.calls() === 20);
  const gone = new AbortController();
  const leaving = Array.from({ length: 2_000 }, () => rejection(client.getObject({}, scope({ signal: gone.signal }))));
  await until(() => server.calls() === 2_020);
  gone.abort(new Error("gone"));
  await Promise.all(leaving);
  // A call there and back: the server has seen every reset that was sent before.
  await client.deleteObject({}, scope());
  held.resolve(undefined);
  await Promise.all(innocent);
  expect(heard.retries).toEqual([]);
  expect(server.calls()).toBe(2_021);
});
