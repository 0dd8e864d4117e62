import { describe, expect, test } from "@jest/globals";
import { Environment } from "@reelmesh/mesh/environment.js";
import { readConfig } from "../src/config.js";

function read(variables: Readonly<Record<string, string>>) {
  const environment = new Environment(variables, { alone: false });
  const config = readConfig(environment);
  return { config, faults: environment.faults };
}

test("without any variable the edge is on loopback, port 8080", () => {
  expect(read({})).toEqual({
    config: {
      listen: { host: "127.0.0.1", port: 8080 },
      hosts: [],
      events: "in process",
      eventStreams: 2000,
      catchUpEveryMs: 10_000,
      noticeMs: 0,
    },
    faults: [],
  });
});

describe("where it listens", () => {
  test.each([
    [{ GATEWAY_LISTEN: "localhost:9000" }, { host: "localhost", port: 9000 }],
    [{ GATEWAY_LISTEN: "127.1.2.3:0" }, { host: "127.1.2.3", port: 0 }],
    [{ GATEWAY_LISTEN: "[::1]:8080" }, { host: "::1", port: 8080 }],
    [{ PORT: "3000" }, { host: "127.0.0.1", port: 3000 }],
    [
      { GATEWAY_LISTEN: "[::1]:8080", PORT: "0" },
      { host: "::1", port: 0 },
    ],
    [
      { GATEWAY_LISTEN: "0.0.0.0:80", GATEWAY_WITHOUT_ACCOUNTS: "allow" },
      { host: "0.0.0.0", port: 80 },
    ],
  ])("%j", (variables, listen) => {
    const { config, faults } = read(variables);
    expect(faults).toEqual([]);
    expect(config.listen).toEqual(listen);
  });

  test.each([
    "0.0.0.0:8080",
    "[::]:8080",
    "192.168.1.5:8080",
    "example.org:80",
    "localhost.example.org:80",
    "128.0.0.1:80",
  ])("%s is refused while there are no accounts", (listen) => {
    const allowed = expect.stringContaining("GATEWAY_WITHOUT_ACCOUNTS=allow");
    expect(read({ GATEWAY_LISTEN: listen }).faults).toEqual([{ variable: "GATEWAY_LISTEN", given: listen, allowed }]);
    expect(read({ GATEWAY_LISTEN: listen, GATEWAY_WITHOUT_ACCOUNTS: "refuse" }).faults).toHaveLength(1);
    expect(read({ GATEWAY_LISTEN: listen, GATEWAY_WITHOUT_ACCOUNTS: "allow" }).faults).toEqual([]);
  });

  test("a port of its own does not make a foreign address a local one", () => {
    const { faults } = read({ GATEWAY_LISTEN: "0.0.0.0:8080", PORT: "3000" });
    expect(faults).toMatchObject([{ variable: "GATEWAY_LISTEN", given: "0.0.0.0:8080" }]);
  });
});

test("names it answers to are lower-cased, and empty ones passed over", () => {
  const { config, faults } = read({ GATEWAY_HOSTS: " Video.Example.ORG, , 10.0.0.1:8080,[FE80::1]:80," });
  expect(faults).toEqual([]);
  expect(config.hosts).toEqual(["video.example.org", "10.0.0.1:8080", "[fe80::1]:80"]);
});

describe("what cannot be used", () => {
  test.each([
    ["GATEWAY_LISTEN", "8080"],
    ["GATEWAY_LISTEN", "127.0.0.1:65536"],
    ["GATEWAY_LISTEN", "::1:80"],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "http"],
    ["GATEWAY_HOSTS", "http://example.org"],
    ["GATEWAY_HOSTS", "example.org, exam ple.org"],
    ["GATEWAY_HOSTS", "*"],
    ["GATEWAY_HOSTS", "example.org:port"],
    ["GATEWAY_WITHOUT_ACCOUNTS", "yes"],
    ["GATEWAY_EVENT_STREAMS", "-1"],
    ["GATEWAY_CATCH_UP_SECONDS", "0"],
  ])("%s=%s", (variable, given) => {
    expect(read({ [variable]: given }).faults).toMatchObject([{ variable, given }]);
  });

  test("is told all at once", () => {
    const { faults } = read({
      GATEWAY_LISTEN: "nowhere",
      PORT: "x",
      GATEWAY_HOSTS: "?",
      GATEWAY_WITHOUT_ACCOUNTS: "?",
    });
    expect(faults.map(({ variable }) => variable).sort()).toEqual([
      "GATEWAY_HOSTS",
      "GATEWAY_LISTEN",
      "GATEWAY_WITHOUT_ACCOUNTS",
      "PORT",
    ]);
  });
});
