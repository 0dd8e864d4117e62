import { describe, expect, test } from "@jest/globals";
import { Client, credentials } from "@grpc/grpc-js";
import { scope, startMesh, storageClient, type TestMesh } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { deferred, rejection, until } from "./support/until.js";

const AN_HOUR_MS = "3600000";
/** Keepalive that is due all the time: on a connection that closes while calls are at work it would end them. */
const PINGS = { "grpc.keepalive_time_ms": 1 };

/** A mesh whose GetObject answers when it is told to, and whose ReadObject never ends by itself. */
async function atWork(drainMs: string) {
  const answer = deferred();
  const state = { calls: 0, finished: 0, stopped: false };
  const module = storageModule(
    {
      async getObject() {
        state.calls += 1;
        await answer.promise;
        state.finished += 1;
        return { name: "answered" };
      },
      async *readObject({ object }) {
        state.calls += 1;
        try {
          const data = Buffer.alloc(object === "big" ? 256 * 1024 : 1);
          for (;;) yield { data };
        } finally {
          state.finished += 1;
        }
      },
    },
    {
      running: {
        async stop() {
          state.stopped = true;
        },
      },
    },
  );
  const mesh = await startMesh([module], { MESH_DRAIN_MS: drainMs });
  return { mesh, client: storageClient(mesh, { grpc: PINGS }), answer, state };
}

describe("a stop", () => {
  test("lets unary calls at work finish, and takes no new ones", async () => {
    const { mesh, client, answer, state } = await atWork(AN_HOUR_MS);
    const calls = [client.getObject({}, scope()), client.getObject({}, scope())];
    await until(() => state.calls === 2);
    const stopped = mesh.stop();
    await until(async () => (await rejection(storageClient(mesh).deleteObject({}, scope()))) !== undefined);
    const refused = await rejection(storageClient(mesh).getObject({}, scope()));
    expect(refused).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    expect(state).toMatchObject({ finished: 0, stopped: false });
    answer.resolve();
    expect(await Promise.all(calls)).toMatchObject([{ name: "answered" }, { name: "answered" }]);
    await stopped;
    expect(state).toEqual({ calls: 2, finished: 2, stopped: true });
  });

  test("ends a stream that is being read as UNAVAILABLE once the grace is over", async () => {
    const { mesh, client, state } = await atWork("50");
    const messages = client.readObject({}, scope());
    await messages.next();
    const read = async () => {
      for await (const { data } of messages) expect(data.length).toBe(1);
    };
    const failed = rejection(read());
    await mesh.stop();
    expect(await failed).toMatchObject({ reason: "SERVICE_UNAVAILABLE", metadata: { service: "storage" } });
    expect(state).toEqual({ calls: 1, finished: 1, stopped: true });
    expect(mesh.calls()).toMatchObject([{ level: "warn", status: "UNAVAILABLE" }]);
  });

  test("does not wait for a stream that nobody reads", async () => {
    const { mesh, client, state } = await atWork("0");
    const messages = client.readObject({ object: "big" }, scope());
    await messages.next();
    await mesh.stop();
    expect(state).toEqual({ calls: 1, finished: 1, stopped: true });
    const read = async () => {
      for await (const { data } of messages) expect(data.length).toBeGreaterThan(0);
    };
    expect(await rejection(read())).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  });

  test("does not wait for somebody who watches its health", async () => {
    const { mesh } = await atWork(AN_HOUR_MS);
    const watcher = await watchHealth(mesh);
    await mesh.stop();
    expect(await watcher.ended).toBeGreaterThan(0);
  });

  test("does not wait for a handler that does not heed its signal", async () => {
    const { mesh, client, state } = await atWork("0");
    const call = rejection(client.getObject({}, scope()));
    await until(() => state.calls === 1);
    await mesh.stop();
    expect(await call).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    expect(state).toMatchObject({ finished: 0, stopped: true });
  });
});

/** Opens grpc.health.v1's Watch, and waits until it has said something. */
async function watchHealth(mesh: TestMesh): Promise<{ ended: Promise<number> }> {
  const client = new Client(mesh.addressOf("storage"), credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const call = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, Buffer.alloc(0));
  const first = deferred();
  const last = deferred<number>();
  call.on("data", () => {
    first.resolve();
  });
  call.on("error", () => undefined);
  call.on("status", ({ code }) => {
    last.resolve(code);
    client.close();
  });
  await first.promise;
  return { ended: last.promise };
}
