import { expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { parseTraceparent, startTrace, type TraceContext } from "../../src/observe/trace.js";
import { scope } from "../support/mesh.js";
import { deferred } from "../support/until.js";
import { bareServer, listenedClient } from "./support.js";

/** A server whose first attempts fail or hang, and the traces that all of them came in. */
async function tracedServer() {
  const traces: (TraceContext | undefined)[] = [];
  const plans: ("fail" | "hang")[] = [];
  const held = deferred<undefined>();
  const server = await bareServer((_, metadata) => {
    const [header] = metadata.get("traceparent");
    traces.push(parseTraceparent(String(header)));
    const plan = plans.shift();
    if (plan === "hang") return held.promise;
    return plan === "fail" ? { code: status.UNAVAILABLE, details: "not now" } : undefined;
  });
  return { server, traces, plans, held };
}

test.each([
  ["of its caller", startTrace()],
  ["of its own where its caller has none", undefined],
])("all attempts of a retried call are in one trace, %s", async (_, trace) => {
  const { server, traces, plans } = await tracedServer();
  plans.push("fail", "fail");
  const { client } = listenedClient(server.address);
  await client.getObject({}, scope({ trace }));
  expect(traces).toHaveLength(3);
  const [first] = traces;
  expect(first).toBeDefined();
  expect(traces).toEqual([first, first, first]);
  if (trace) expect(first?.traceId).toBe(trace.traceId);
});

test("a hedged call's attempts are in one trace, and two calls in two", async () => {
  const { server, traces, plans, held } = await tracedServer();
  const { client } = listenedClient(server.address);
  for (let calls = 0; calls < 112; calls += 1) await client.getObject({}, scope());
  expect(new Set(traces.map((trace) => trace?.traceId)).size).toBe(112);
  const before = traces.length;
  plans.push("hang");
  await client.getObject({}, scope());
  const attempts = traces.slice(before);
  expect(attempts).toHaveLength(2);
  expect(attempts[0]).toBeDefined();
  expect(attempts[1]).toEqual(attempts[0]);
  held.resolve(undefined);
});
