import { expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { parseTraceparent, startTrace, type TraceContext } from "../../src/observe/trace.js";
import { scope } from "../support/mesh.js";
import { deferred } from "../support/until.js";
import { bareServer, listenedClient } from "./support.js";

/** A server that fails so many attempts, hangs in the first of a trace, and keeps the traces that all of them came in. */
async function tracedServer() {
  const traces: (TraceContext | undefined)[] = [];
  const plan = { failures: 0, hangsIn: "" };
  const held = deferred<undefined>();
  const server = await bareServer((_, metadata) => {
    const [header] = metadata.get("traceparent");
    const trace = parseTraceparent(String(header));
    traces.push(trace);
    if (trace?.traceId === plan.hangsIn) {
      plan.hangsIn = "";
      return held.promise;
    }
    plan.failures -= 1;
    return plan.failures >= 0 ? { code: status.UNAVAILABLE, details: "not now" } : undefined;
  });
  return { server, traces, plan, held };
}

test.each([
  ["of its caller", startTrace()],
  ["of its own where its caller has none", undefined],
])("all attempts of a retried call are in one trace, %s", async (_, trace) => {
  const { server, traces, plan } = await tracedServer();
  plan.failures = 2;
  const { client } = listenedClient(server.address);
  await client.getObject({}, scope({ trace }));
  expect(traces).toHaveLength(3);
  const [first] = traces;
  expect(first).toBeDefined();
  expect(traces).toEqual([first, first, first]);
  if (trace) expect(first?.traceId).toBe(trace.traceId);
});

test("a hedged call's attempts are in one trace, and two calls in two", async () => {
  const { server, traces, plan, held } = await tracedServer();
  const { client } = listenedClient(server.address);
  for (let calls = 0; calls < 112; calls += 1) await client.getObject({}, scope());
  expect(new Set(traces.map((trace) => trace?.traceId)).size).toBe(112);
  const trace = startTrace();
  plan.hangsIn = trace.traceId;
  await client.getObject({}, scope({ trace }));
  // Of those before one may have been hedged too, and come late.
  const attempts = traces.filter((each) => each?.traceId === trace.traceId);
  expect(attempts).toHaveLength(2);
  expect(attempts[1]).toEqual(attempts[0]);
  held.resolve(undefined);
});
