import { describe, expect, test } from "@jest/globals";
import { formatAddress, type Address } from "../../src/discovery/address.js";
import { watchAddresses } from "../../src/discovery/address-watch.js";
import { afterTest } from "../support/mesh.js";
import { until } from "../support/until.js";
import { startDnsServer, type DnsServer } from "./dns-server.js";

const FAST = { pollMs: 10, leastMs: 0 };

/** Watches, and keeps what it is told. */
function watch(addresses: readonly Address[], lookup: DnsServer["lookup"], options = FAST) {
  const told: { replicas: string; failed: boolean }[] = [];
  const watching = watchAddresses(addresses, { lookup, ...options }, (replicas, failure) => {
    told.push({ replicas: replicas.map(formatAddress).join(), failed: failure !== undefined });
  });
  afterTest(() => {
    watching.close();
  });
  return { told, watching };
}

const catalog = { host: "catalog", port: 7002 };

describe("addresses", () => {
  test("that are IP addresses stand as they are, told once each time they are asked for", async () => {
    const asked: string[] = [];
    const lookup = async (name: string) => {
      asked.push(name);
      return [];
    };
    const given = [
      { host: "10.0.0.1", port: 1 },
      { host: "::1", port: 2 },
      { host: "10.0.0.1", port: 1 },
    ];
    const { told, watching } = watch(given, lookup);
    expect(told).toEqual([]);
    await until(() => told.length === 1);
    watching.refresh();
    await until(() => told.length === 2);
    expect(told).toEqual(told.map(() => ({ replicas: "10.0.0.1:1,[::1]:2", failed: false })));
    expect(asked).toEqual([]);
  });

  test("of a name follow DNS: what it names is told, what it no longer names is not", async () => {
    const dns = await startDnsServer(["10.0.0.1"]);
    const { told } = watch([catalog], dns.lookup);
    await until(() => told.length === 1);
    dns.addresses = ["10.0.0.2", "10.0.0.1"];
    await until(() => told.length === 2);
    dns.addresses = ["10.0.0.2"];
    await until(() => told.length === 3);
    expect(told.map(({ replicas }) => replicas)).toEqual([
      "10.0.0.1:7002",
      "10.0.0.1:7002,10.0.0.2:7002",
      "10.0.0.2:7002",
    ]);
  });

  test("hold while DNS flaps: fails, names nothing, or is silent", async () => {
    const dns = await startDnsServer(["10.0.0.1"]);
    const { told } = watch([catalog], dns.lookup);
    await until(() => told.length === 1);
    for (const broken of [undefined, [], "silent"] as const) {
      dns.addresses = broken;
      const asked = dns.asked();
      await until(() => dns.asked() >= asked + 2);
      dns.addresses = ["10.0.0.1"];
      const before = dns.asked();
      await until(() => dns.asked() >= before + 2);
    }
    expect(told).toEqual([{ replicas: "10.0.0.1:7002", failed: false }]);
    dns.addresses = ["10.0.0.2"];
    await until(() => told.length === 2);
    expect(told[1]?.replicas).toBe("10.0.0.2:7002");
  });

  test("that DNS has never named are told as a failure, until it does", async () => {
    const dns = await startDnsServer(undefined);
    const { told } = watch([catalog], dns.lookup);
    await until(() => told.length === 2);
    expect(told[0]).toEqual({ replicas: "", failed: true });
    dns.addresses = ["10.0.0.1"];
    await until(() => told.at(-1)?.replicas === "10.0.0.1:7002");
  });

  test("of several names and IP addresses are told together; one name's failure is no matter to the rest", async () => {
    const dns = await startDnsServer(["10.0.0.1", "10.0.0.2"]);
    const lookup = (name: string) =>
      name === "catalog" ? dns.lookup(name) : Promise.reject(new Error("no such name"));
    const { told } = watch([catalog, { host: "nowhere", port: 1 }, { host: "10.0.0.9", port: 9 }], lookup);
    await until(() => told.at(-1)?.replicas === "10.0.0.1:7002,10.0.0.2:7002,10.0.0.9:9");
  });

  test("are asked for at once on request, but no sooner than allowed", async () => {
    const dns = await startDnsServer(["10.0.0.1"]);
    const slow = { pollMs: 3_600_000, leastMs: 0 };
    const { told, watching } = watch([catalog], dns.lookup, slow);
    await until(() => told.length === 1);
    watching.refresh();
    await until(() => told.length === 2);

    const before = dns.asked();
    const limited = watch([catalog], dns.lookup, { ...slow, leastMs: 3_600_000 });
    await until(() => limited.told.length === 1);
    for (let i = 0; i < 100; i++) limited.watching.refresh();
    // Another's question passes in the meantime.
    watching.refresh();
    await until(() => told.length === 3);
    expect(dns.asked()).toBe(before + 2);
  });

  test("are asked for no more once nobody watches", async () => {
    const dns = await startDnsServer(["10.0.0.1"]);
    const { told, watching } = watch([catalog], dns.lookup);
    const other = watch([catalog], dns.lookup, { pollMs: 3_600_000, leastMs: 0 });
    await until(() => told.length === 1 && other.told.length === 1);
    watching.close();
    watching.refresh();
    const before = dns.asked();
    other.watching.refresh();
    await until(() => other.told.length === 2);
    // One that was on its way may still arrive.
    expect(dns.asked()).toBeLessThanOrEqual(before + 2);
    expect(told).toHaveLength(1);
  });
});
