import { expect, test } from "@jest/globals";
import { openClient, startReplica } from "../balancing/support.js";
import { until } from "../support/until.js";
import { startDnsServer } from "./dns-server.js";

test("a replica that DNS names is called, one it no longer names is not, and calls at work there end well", async () => {
  const first = await startReplica({ host: "127.0.0.2" });
  const port = Number(first.address.split(":")[1]);
  const second = await startReplica({ host: "127.0.0.3", port });
  const dns = await startDnsServer(["127.0.0.2"]);
  const client = openClient(`echo:${port}`, { names: { lookup: dns.lookup, pollMs: 10, leastMs: 0 } });
  expect(await client.calls(10)).toEqual({ OK: 10 });
  expect([first.calls(), second.calls()]).toEqual([10, 0]);

  const held: (() => void)[] = [];
  first.answer = (_call, done) => {
    held.push(() => {
      done(null, Buffer.alloc(0));
    });
  };
  const pending = client.call();
  await until(() => held.length === 1);
  dns.addresses = ["127.0.0.3"];
  await until(() => client.last(first.address)?.state === "gone");
  expect(await client.calls(10)).toEqual({ OK: 10 });
  expect([first.calls(), second.calls()]).toEqual([11, 10]);
  for (const release of held) release();
  expect(await pending).toBe("OK");
});

test("replicas are called through DNS that flaps", async () => {
  const replica = await startReplica({ host: "127.0.0.2" });
  const port = Number(replica.address.split(":")[1]);
  const dns = await startDnsServer(["127.0.0.2"]);
  const client = openClient(`echo:${port}`, { names: { lookup: dns.lookup, pollMs: 5, leastMs: 0 } });
  expect(await client.calls(1)).toEqual({ OK: 1 });
  for (let round = 0; round < 10; round++) {
    dns.addresses = round % 2 === 0 ? undefined : ["127.0.0.2"];
    const before = dns.asked();
    await until(() => dns.asked() > before);
    expect(await client.calls(20)).toEqual({ OK: 20 });
  }
  expect(client.events.some(({ state }) => state === "gone")).toBe(false);
});

test("a name that nobody knows fails its calls at once", async () => {
  const dns = await startDnsServer(undefined);
  const client = openClient("nowhere:7002", { names: { lookup: dns.lookup, pollMs: 10, leastMs: 0 } });
  expect(await client.calls(3)).toEqual({ UNAVAILABLE: 3 });
});

test("a list of addresses is all used", async () => {
  const replicas = [await startReplica(), await startReplica()];
  const client = openClient(replicas.map(({ address }) => address).join(", "));
  await client.call();
  await until(() => replicas.every(({ address }) => client.last(address)?.state === "ready"));
  await Promise.all(Array.from({ length: 50 }, () => client.call()));
  for (const replica of replicas) expect(replica.calls()).toBeGreaterThan(1);
});
