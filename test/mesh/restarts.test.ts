import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { startLoad } from "../../packages/mesh/test/support/load.js";
import { afterTest, scope } from "../../packages/mesh/test/support/mesh.js";
import { until } from "../../packages/mesh/test/support/until.js";
import { getBare } from "./support/bare.js";
import { bareClient, buildReplica, meshClient, startReplica, tell, type Built } from "./support/replicas.js";

const RATE = 500;
const BARE_RATE = 100;
const ROUNDS = 10;
/** How long a call takes: some are under way whenever a replica is told to go. */
const WORK = "wait/20";
/** What must have been answered before the next replica goes. */
const BETWEEN = RATE / 2;

let [built, builtBare]: Built[] = [];
beforeAll(async () => {
  [built, builtBare] = await Promise.all([buildReplica("replica.ts"), buildReplica("replica-bare.ts")]);
});
afterAll(() => Promise.all([built?.remove(), builtBare?.remove()]));

function three(program: Built | undefined, variables: Readonly<Record<string, string>> = {}) {
  if (!program) throw new Error("It was not built");
  return Promise.all(Array.from({ length: 3 }, () => startReplica(program, variables)));
}

test("three replicas restarted in turn ten times under 500 calls a second fail no call", async () => {
  const replicas = await three(built, { MESH_DRAIN_NOTICE_MS: "200", MESH_DRAIN_MS: "5000" });
  const bareReplicas = await three(builtBare);
  const client = meshClient(replicas);
  const bare = bareClient(bareReplicas);
  const load = startLoad(RATE, () => client.getObject({ object: WORK }, scope()));
  const bareLoad = startLoad(BARE_RATE, async () => {
    const code = await getBare(bare, WORK).ended;
    if (code !== status.OK) throw new Error(status[code]);
  });
  afterTest(async () => {
    await Promise.all([load.stop(), bareLoad.stop()]);
  });

  const restart = async (replica: (typeof replicas)[number] | undefined, signal: NodeJS.Signals) => {
    await replica?.end(signal);
    await replica?.begin();
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, replica] of replicas.entries()) {
      const before = load.answered();
      // A program that does nothing about it ends at once at either signal.
      await Promise.all([restart(replica, "SIGTERM"), restart(bareReplicas[index], "SIGKILL")]);
      await until(() => load.answered() >= before + BETWEEN);
    }
  }
  await Promise.all([load.stop(), bareLoad.stop()]);
  tell("30 restarts under load", {
    "mesh answered": load.answered(),
    "mesh failed": load.failures.length,
    "grpc-js answered": bareLoad.answered(),
    "grpc-js failed": bareLoad.failures.length,
  });
  expect(load.failures).toEqual([]);
  expect(load.answered()).toBeGreaterThanOrEqual(ROUNDS * replicas.length * BETWEEN);
  expect(bareLoad.failures.length).toBeGreaterThan(0);
}, 600_000);
