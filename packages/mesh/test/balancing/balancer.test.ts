import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { AVOID_BACKEND } from "../../src/balancing/names.js";
import { afterTest } from "../support/mesh.js";
import { until } from "../support/until.js";
import { PATH, atOnce, failing, openClient, startReplica, type BalancedClient, type Replica } from "./support.js";

async function start(count: number, options: Parameters<typeof startReplica>[0] = {}) {
  const replicas = await Promise.all(Array.from({ length: count }, () => startReplica(options)));
  const client = openClient(replicas.map(({ address }) => address));
  const connect = () => allReady(client, replicas);
  return { replicas, client, connect, calls: () => replicas.map((replica) => replica.calls()) };
}

/** Resolves when the balancer can use all of them. The first call makes it connect. */
async function allReady(client: BalancedClient, replicas: readonly Replica[]): Promise<void> {
  await client.call();
  await until(() => replicas.every(({ address }) => client.last(address)?.state === "ready"));
}

/** How long a stream takes says nothing, so that a first answer that was slow does not tell who gets the calls. */
const BY_CHANCE = [PATH, "stream"] as const;

describe("the balancer", () => {
  test("calls the only replica there is", async () => {
    const { client } = await start(1);
    expect(await client.calls(5)).toEqual({ OK: 5 });
  });

  test("calls every replica", async () => {
    const { client, connect, calls } = await start(3);
    await connect();
    const codes = await Promise.all(Array.from({ length: 300 }, () => client.call()));
    expect(new Set(codes)).toEqual(new Set(["OK"]));
    for (const count of calls()) expect(count).toBeGreaterThan(1);
  });

  test("spreads calls that are made at once", async () => {
    const { client, connect, calls } = await start(2);
    await connect();
    client.learn(...BY_CHANCE);
    const before = calls();
    await Promise.all(Array.from({ length: 100 }, () => client.call()));
    for (const [at, count] of calls().entries()) expect(count - (before[at] ?? 0)).toBe(50);
  });

  test("leaves alone a replica that has stopped answering", async () => {
    const { replicas, client, connect } = await start(3);
    await connect();
    const [stuck] = replicas;
    if (!stuck) throw new Error("There is no replica");
    const held: (() => void)[] = [];
    stuck.answer = (_call, done) => {
      held.push(() => {
        done(null, Buffer.alloc(0));
      });
    };
    const ended: string[] = [];
    const pending: Promise<unknown>[] = [];
    await until(async () => {
      pending.push(client.call().then((code) => ended.push(code)));
      await new Promise(setImmediate);
      return held.length > 0;
    });
    const before = held.length;
    // Its oldest call grows older while the others answer 500.
    expect(await client.calls(500)).toEqual({ OK: 500 });
    expect(held.length).toBeLessThanOrEqual(before + 2);
    for (const release of held) release();
    await Promise.all(pending);
    expect(new Set(ended)).toEqual(new Set(["OK"]));
  });

  test("loses only the calls at work when a replica dies", async () => {
    const { replicas, client, connect } = await start(3);
    await connect();
    replicas[0]?.kill();
    await until(() => client.last(replicas[0]?.address ?? "")?.state !== "ready");
    expect(await client.calls(100)).toEqual({ OK: 100 });
  });

  test("stays away from the backend it is asked to avoid, and keeps that to itself", async () => {
    const { replicas, client, connect } = await start(2);
    await connect();
    const [avoided, other] = replicas;
    if (!avoided || !other) throw new Error("There are no replicas");
    const seen: unknown[] = [];
    other.answer = (call, done) => {
      seen.push(...call.metadata.get(AVOID_BACKEND));
      done(null, Buffer.alloc(0));
    };
    const before = avoided.calls();
    for (let i = 0; i < 50; i++) {
      const metadata = new Metadata();
      metadata.set(AVOID_BACKEND, avoided.address);
      expect(await client.call({ metadata })).toBe("OK");
    }
    expect(avoided.calls()).toBe(before);
    expect(seen).toEqual([]);
  });

  test("goes round a replica that accepts connections and says nothing", async () => {
    const sockets: Socket[] = [];
    const hole = createServer((socket) => sockets.push(socket));
    hole.listen(0, "127.0.0.1");
    await once(hole, "listening");
    afterTest(() => {
      hole.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = hole.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const replica = await startReplica();
    const client = openClient([`127.0.0.1:${port}`, replica.address]);
    expect(await client.calls(50)).toEqual({ OK: 50 });
    expect(client.last(`127.0.0.1:${port}`)?.state).not.toBe("ready");

    const lonely = openClient([`127.0.0.1:${port}`]);
    expect(await lonely.call()).toBe("UNAVAILABLE");
  });

  test("comes back to a replica that was restarted", async () => {
    const [gone, other] = [await startReplica(), await startReplica()];
    const client = openClient([gone.address, other.address]);
    await allReady(client, [gone, other]);
    gone.kill();
    await until(() => client.last(gone.address)?.state === "transient failure");
    expect(await client.calls(20)).toEqual({ OK: 20 });
    const again = await startReplica({ port: Number(gone.address.split(":")[1]) });
    await until(async () => (await client.call()) === "OK" && again.calls() >= 3);
  });

  test("fails at once when nothing listens", async () => {
    const gone = await startReplica();
    gone.kill();
    const client = openClient([gone.address]);
    expect(await client.call()).toBe("UNAVAILABLE");
  });

  test("keeps out of the load what long polls do", async () => {
    const { replicas, client, connect } = await start(2);
    await connect();
    client.learn(PATH, "long poll");
    const ends: (() => void)[] = [];
    for (const replica of replicas) {
      replica.answer = (_call, done) => {
        ends.push(() => {
          done(null, Buffer.alloc(0));
        });
      };
    }
    const polls = Array.from({ length: 20 }, () => client.call());
    await until(() => ends.length === 20);
    for (const end of ends) end();
    await Promise.all(polls);
    expect(Math.max(...client.events.map(({ outstanding = 0 }) => outstanding))).toBeLessThanOrEqual(1);
  });
});

describe("health", () => {
  test("a replica that is not serving gets nothing, and calls once it serves", async () => {
    const [serving, other] = [await startReplica(), await startReplica({ serving: false })];
    const client = openClient([serving.address, other.address]);
    await client.call();
    await until(() => client.last(other.address)?.state === "not serving");
    expect(await client.calls(50)).toEqual({ OK: 50 });
    expect(other.calls()).toBe(0);

    other.setServing(true);
    await until(() => client.last(other.address)?.state === "ready");
    serving.setServing(false);
    await until(() => client.last(serving.address)?.state === "not serving");
    const before = serving.calls();
    expect(await client.calls(50)).toEqual({ OK: 50 });
    expect([serving.calls(), other.calls()]).toEqual([before, 50]);
  });

  test("when none is serving calls fail at once, until one is again", async () => {
    const { replicas, client } = await start(2, { serving: false });
    expect(await client.calls(5)).toEqual({ UNAVAILABLE: 5 });
    replicas[1]?.setServing(true);
    await until(() => client.last(replicas[1]?.address ?? "")?.state === "ready");
    expect(await client.calls(5)).toEqual({ OK: 5 });
  });

  test("a replica without a health service counts as serving", async () => {
    const { client } = await start(2, { health: false });
    expect(await client.calls(20)).toEqual({ OK: 20 });
  });
});

describe("ejection", () => {
  test("of a replica that fails: a few calls are lost, no more until its time is over", async () => {
    const { replicas, client, connect } = await start(2);
    await connect();
    const [sick] = replicas;
    if (!sick) throw new Error("There is no replica");
    client.learn(...BY_CHANCE);
    sick.answer = failing(status.INTERNAL);
    const ended: string[] = [];
    await until(async () => {
      ended.push(await client.call());
      return client.last(sick.address)?.ejected === true;
    });
    for (let call = 0; call < 200; call++) ended.push(await client.call());
    expect(ended.filter((code) => code !== "OK").length).toBeLessThanOrEqual(6);
    expect(new Set(ended)).toEqual(new Set(["OK", "INTERNAL"]));
  });

  test("ends when the replica answers well again", async () => {
    const { replicas, client, connect } = await start(2);
    await connect();
    const [sick] = replicas;
    if (!sick) throw new Error("There is no replica");
    client.learn(...BY_CHANCE);
    sick.answer = failing(status.UNAVAILABLE);
    await until(async () => {
      await client.call();
      return client.last(sick.address)?.ejected === true;
    });
    sick.answer = atOnce;
    const before = sick.calls();
    const codes = new Set<string>();
    await until(async () => {
      codes.add(await client.call());
      return client.last(sick.address)?.ejected === false;
    });
    expect(codes).toEqual(new Set(["OK"]));
    expect(sick.calls()).toBe(before + 3);
  });

  test("does not befall a replica for what it says to a caller's mistake", async () => {
    const { replicas, client, connect, calls } = await start(2);
    await connect();
    for (const replica of replicas) replica.answer = failing(status.NOT_FOUND);
    const before = calls();
    expect(await client.calls(200)).toEqual({ NOT_FOUND: 200 });
    expect(client.events.some(({ ejected }) => ejected)).toBe(false);
    expect(calls()).not.toEqual(before);
  });

  test("leaves the last one in", async () => {
    const { replicas, client, connect } = await start(1);
    await connect();
    const [only] = replicas;
    if (!only) throw new Error("There is no replica");
    only.answer = failing(status.UNAVAILABLE);
    expect(await client.calls(50)).toEqual({ UNAVAILABLE: 50 });
    expect(only.calls()).toBe(51);
  });
});
