import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { DEADLINE_MS, openChannel } from "../../src/channel.js";
import { createClient } from "../../src/client.js";
import { createKeys } from "../../src/secret.js";
import { createTokens } from "../../src/tokens.js";
import { identitiesOf, makeCertificates, tlsVariables } from "../support/certificates.js";
import { startLoad } from "../support/load.js";
import { afterTest, scope, SECRET } from "../support/mesh.js";
import { buildProgram, runProgram } from "../support/process.js";
import { until } from "../support/until.js";

const TOKENS = createTokens(createKeys([Buffer.from(SECRET, "base64")]));
const RATE = 300;
const ROUNDS = 3;
const LOG_LEVEL = "error";

let built: Awaited<ReturnType<typeof buildProgram>>;
beforeAll(async () => {
  built = await buildProgram("replica.ts");
});
afterAll(() => built.remove());

function clientOf(addresses: readonly string[], options: Parameters<typeof openChannel>[6] = {}) {
  const channel = openChannel("storage", addresses.join(","), "tester", TOKENS, DEADLINE_MS, undefined, options);
  afterTest(() => {
    channel.close();
  });
  return createClient(StorageServiceDefinition, channel);
}

test("three replicas restarted in turn under load fail no call", async () => {
  const variables = { LOG_LEVEL, MESH_DRAIN_NOTICE_MS: "200", MESH_DRAIN_MS: "2000" };
  const start = (listen: string) => runProgram(built.file, "replica", { ...variables, STORAGE_LISTEN: listen });
  const replicas = ["a", "b", "c"].map(() => start("127.0.0.1:0"));
  const addresses = await Promise.all(replicas.map((replica) => replica.ready()));
  const client = clientOf(addresses);
  const load = startLoad(RATE, () => client.getObject({}, scope()));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, address] of addresses.entries()) {
      const before = load.answered();
      replicas[index]?.kill("SIGTERM");
      expect(await replicas[index]?.ended).toMatchObject({ code: 0 });
      const replica = start(address);
      replicas[index] = replica;
      await replica.ready();
      // As an orchestrator does: the next one goes when this one serves and calls flow.
      await until(() => load.answered() >= before + RATE / 2);
    }
  }
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.answered()).toBeGreaterThan((ROUNDS * 3 * RATE) / 2);
}, 120_000);

test("certificates rotated again and again under load fail no call", async () => {
  const certificates = makeCertificates();
  const variables = {
    ...tlsVariables(certificates.issue("storage")),
    LOG_LEVEL: "info",
    MESH_TLS_REFRESH_MS: "20",
    MESH_TLS_CONNECTION_AGE_MS: "1000",
  };
  const replicas = ["a", "b"].map((name) => runProgram(built.file, name, variables));
  const addresses = await Promise.all(replicas.map((replica) => replica.ready()));
  const client = clientOf(addresses, {
    credentials: identitiesOf(certificates.issue("tester"), 20).channel("storage"),
    grpc: { "grpc.ssl_target_name_override": "storage" },
  });
  const load = startLoad(RATE, () => client.getObject({}, scope()));
  const renewals = () => replicas.map((replica) => replica.stdout().split("new certificates are in use").length - 1);
  for (let rotation = 1; rotation <= 10; rotation++) {
    certificates.issue("storage");
    certificates.issue("tester");
    const before = load.answered();
    await until(() => renewals().every((count) => count >= rotation) && load.answered() >= before + RATE / 3);
  }
  await load.stop();
  expect(load.failures).toEqual([]);
  for (const replica of replicas) expect(replica.stdout()).not.toContain("cannot be used");
}, 120_000);
