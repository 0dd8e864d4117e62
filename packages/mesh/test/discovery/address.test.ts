import { expect, test } from "@jest/globals";
import { formatAddress, parseAddresses } from "../../src/discovery/address.js";

test.each([
  ["catalog:7002", [{ host: "catalog", port: 7002 }]],
  [
    "10.0.0.1:1,[::1]:65535, catalog.reelmesh.svc:7002",
    [
      { host: "10.0.0.1", port: 1 },
      { host: "::1", port: 65_535 },
      { host: "catalog.reelmesh.svc", port: 7002 },
    ],
  ],
])("%s is read", (list, addresses) => {
  expect(parseAddresses(list)).toEqual(addresses);
  expect(addresses.map(formatAddress).join()).toBe(list.replaceAll(" ", ""));
});

test.each([
  "",
  "catalog",
  "catalog:",
  "catalog:0",
  "catalog:65536",
  "::1:7002",
  "a:1,",
  "a:1,,b:2",
  "http://a:1",
  "a b:1",
])("%j is not", (list) => {
  expect(parseAddresses(list)).toBeUndefined();
});
