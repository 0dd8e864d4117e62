import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterTest, scope } from "../../packages/mesh/test/support/mesh.js";
import { until } from "../../packages/mesh/test/support/until.js";
import { getBare } from "./support/bare.js";
import { bareClient, buildReplica, meshClient, startReplica, tell, type Built } from "./support/replicas.js";

const CLIENTS = 200;
const CALLS_EACH = 3;
const WORK = "wait/20";
/** Attempts to connect that a client makes before its waits are as long as they get, from 50 ms at the least. */
const FIRST_ATTEMPTS = 8;
/** The shortest of the longest waits. */
const APART_MS = 800;
/** Attempts of a call that a server had, besides the first. */
const MOST_RETRIES = 4;

let [built, builtBare]: Built[] = [];
beforeAll(async () => {
  [built, builtBare] = await Promise.all([buildReplica("replica.ts"), buildReplica("replica-bare.ts")]);
});
afterAll(() => Promise.all([built?.remove(), builtBare?.remove()]));

/** Counts the connections that this process begins from now on. */
function countConnections(): () => number {
  let begun = 0;
  const count = () => {
    begun += 1;
  };
  subscribe("net.client.socket", count);
  afterTest(() => {
    unsubscribe("net.client.socket", count);
  });
  return () => begun;
}

test("200 clients that wait for a server which restarts are all served, without a storm", async () => {
  if (!built || !builtBare) throw new Error("They were not built");
  const replica = await startReplica(built);
  const bareReplica = await startReplica(builtBare);
  const shed = { count: 0 };
  const observer = {
    retry: ({ code }: { code: status }) => {
      if (code === status.RESOURCE_EXHAUSTED) shed.count += 1;
    },
  };
  const clients = Array.from({ length: CLIENTS }, () =>
    meshClient([replica], observer, { patienceMs: 60_000, unaryMs: 60_000 }),
  );
  const patient = () => scope({ deadline: Date.now() + 60_000 });
  for (const client of clients) await client.getObject({}, patient());
  const bareClients = Array.from({ length: CLIENTS }, () => bareClient([bareReplica]));
  for (const client of bareClients) await getBare(client, "").ended;

  const connections = countConnections();
  const beganMs = performance.now();
  await Promise.all([replica.end("SIGKILL"), bareReplica.end("SIGKILL")]);
  const answers = clients.flatMap((client) =>
    Array.from({ length: CALLS_EACH }, () => client.getObject({ object: WORK }, patient())),
  );
  // Everybody has tried and found nobody.
  await until(() => connections() >= 2 * CLIENTS);
  const bareAnswers = await Promise.all(bareClients.map((client) => getBare(client, WORK).ended));
  const bareFailed = bareAnswers.filter((code) => code !== status.OK).length;
  shed.count = 0;
  await replica.begin();
  expect(new Set((await Promise.all(answers)).map(({ name }) => name))).toEqual(new Set([WORK]));
  const seconds = (performance.now() - beganMs) / 1000;
  const most = CLIENTS * (FIRST_ATTEMPTS + Math.ceil((seconds * 1000) / APART_MS));
  tell(`${CLIENTS} clients wait for a server that restarts`, {
    "mesh failed": 0,
    "connections begun": connections(),
    "of at most": most,
    shed: shed.count,
    "grpc-js failed": `${bareFailed} of ${CLIENTS}`,
  });
  expect(connections()).toBeLessThanOrEqual(most);
  expect(shed.count).toBeLessThanOrEqual(CLIENTS * CALLS_EACH * MOST_RETRIES);
  expect(bareFailed).toBeGreaterThan(0);
}, 180_000);
