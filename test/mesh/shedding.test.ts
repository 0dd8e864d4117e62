import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Metadata, credentials, Client, status, type ServiceError } from "@grpc/grpc-js";
import { afterTest, scope } from "../../packages/mesh/test/support/mesh.js";
import { rejection } from "../../packages/mesh/test/support/until.js";
import type { RetryEvent } from "@reelmesh/mesh/observe/events.js";
import { ErrorInfo, Status } from "@reelmesh/proto/reelmesh/mesh/v1/status.js";
import { GET, getBare, untilAtWork } from "./support/bare.js";
import {
  bareClient,
  buildReplica,
  meshClient,
  startReplica,
  tell,
  type Built,
  type Replica,
} from "./support/replicas.js";

/** A server's limit before it has measured anything, of which background work may fill half. */
const LIMIT = 64;
const RETRY_MS = 100;
/** google.rpc.RetryInfo of 100 ms: its field 1 a Duration, whose field 2 is 100,000,000 nanoseconds. */
const RETRY_INFO = Buffer.from([0x0a, 0x07, 0x08, 0x00, 0x10, 0x80, 0xc2, 0xd7, 0x2f]);

let [built, builtBare]: Built[] = [];
beforeAll(async () => {
  [built, builtBare] = await Promise.all([buildReplica("replica.ts"), buildReplica("replica-bare.ts")]);
});
afterAll(() => Promise.all([built?.remove(), builtBare?.remove()]));

function start(program: Built | undefined, variables: Readonly<Record<string, string>> = {}): Promise<Replica> {
  if (!program) throw new Error("It was not built");
  return startReplica(program, variables);
}

/** A client by grpc-js alone, which sees what is on the wire. */
function rawClient({ address }: Replica): Client {
  const client = new Client(address, credentials.createInsecure());
  afterTest(() => {
    client.close();
  });
  return client;
}

/** Fills so many places with calls that end when told. */
async function fill(client: Client, places: number) {
  const calls = Array.from({ length: places }, () => getBare(client, "hold"));
  await untilAtWork(client, places);
  return () => {
    for (const call of calls) call.cancel();
  };
}

/** What a GetObject of nothing in particular is refused with; undefined when it is answered. */
function refusal(client: Client, metadata = new Metadata()): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(GET.path, same, same, Buffer.alloc(0), metadata, (error) => {
      resolve(error ?? undefined);
    });
  });
}

const same = (bytes: Buffer) => bytes;

test("a full server says OVERLOADED and when to come back; who watches, waits or asks what it offers is answered", async () => {
  const replica = await start(built);
  const client = rawClient(replica);
  await fill(client, LIMIT);

  const refused = await refusal(client);
  expect(refused).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  const [packed] = refused?.metadata.get("grpc-status-details-bin") ?? [];
  const said = Status.decode(Buffer.isBuffer(packed) ? packed : Buffer.alloc(0));
  expect(said.code).toBe(status.RESOURCE_EXHAUSTED);
  const [info, retry] = said.details;
  expect(ErrorInfo.decode(info?.value ?? Buffer.alloc(0))).toMatchObject({
    reason: "OVERLOADED",
    domain: "reelmesh",
    metadata: { service: "storage" },
  });
  expect(retry?.typeUrl).toBe("type.googleapis.com/google.rpc.RetryInfo");
  expect(Buffer.from(retry?.value ?? []).equals(RETRY_INFO)).toBe(true);

  // Long polls take no places, whoever fills them.
  await Promise.all(Array.from({ length: 2 * LIMIT }, () => untilAtWork(client, LIMIT)));
  const health = await unary(client, "/grpc.health.v1.Health/Check");
  expect([...health]).toEqual([8, 1]);
  expect((await askReflection(client)).includes("reelmesh.storage.v1.StorageService")).toBe(true);

  const bare = bareClient([await start(builtBare)]);
  await fill(bare, 4 * LIMIT);
  tell(`${LIMIT} calls at work, and more come`, { "mesh admitted": LIMIT, "grpc-js admitted": 4 * LIMIT });
});

test("what a person waits for is admitted where background work is refused, calls and streams", async () => {
  const replica = await start(built, { MESH_MAX_STREAMS: "4" });
  const client = rawClient(replica);
  await fill(client, LIMIT / 2);
  const background = new Metadata();
  background.set("reelmesh-criticality", "sheddable");
  expect(await refusal(client, background)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await refusal(client)).toBeUndefined();

  const streams = meshClient([replica]);
  const open = (criticality: "critical" | "sheddable") => {
    const gone = new AbortController();
    const given = scope({ criticality, signal: gone.signal, deadline: Date.now() + 20_000 });
    const stream = streams.readObject({ object: "hold" }, given);
    afterTest(() => {
      gone.abort();
    });
    return stream.next();
  };
  await Promise.all([open("sheddable"), open("sheddable")]);
  expect(await rejection(open("sheddable"))).toMatchObject({ reason: "OVERLOADED" });
  await Promise.all([open("critical"), open("critical")]);
  expect(await rejection(open("critical"))).toMatchObject({ reason: "OVERLOADED" });
});

test("who is refused comes back when told, and is served as soon as there is room", async () => {
  const replica = await start(built);
  const leave = await fill(rawClient(replica), LIMIT);
  const retries: RetryEvent[] = [];
  const begun = performance.now();
  const client = meshClient([replica], {
    retry(event) {
      retries.push(event);
      leave();
    },
  });
  expect(await client.getObject({ object: "a" }, scope())).toMatchObject({ name: "a" });
  expect(retries.length).toBeGreaterThan(0);
  expect(new Set(retries.map(({ code }) => code))).toEqual(new Set([status.RESOURCE_EXHAUSTED]));
  // Timers may be a millisecond early.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(retries.length * RETRY_MS - 2);
});

function unary(client: Client, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}

/** Asks for the list of services: ServerReflectionRequest's field 7. */
function askReflection(client: Client): Promise<string> {
  const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  const call = client.makeBidiStreamRequest(path, same, same);
  return new Promise((resolve, reject) => {
    call.on("error", reject);
    call.on("data", (answer: Buffer) => {
      resolve(answer.toString("latin1"));
      call.end();
    });
    call.write(Buffer.from([0x3a, 0x00]));
  });
}
