import { describe, expect, test } from "@jest/globals";
import { Environment } from "@reelmesh/mesh/environment.js";
import { readConfig } from "../src/config.js";

type Variables = Readonly<Record<string, string>>;

function read(variables: Variables, alone = false) {
  const environment = new Environment(variables, { alone });
  const config = readConfig(environment);
  return { config, faults: environment.faults };
}

const KEY = Buffer.alloc(64, 1).toString("base64");
const CONNECTION = `DefaultEndpointsProtocol=https;AccountName=reels;AccountKey=${KEY};EndpointSuffix=core.windows.net`;

describe("where objects are kept", () => {
  test.each<[string, Variables, unknown]>([
    ["on disk without anything", {}, { kind: "disk", folder: "data/objects" }],
    ["under the data folder", { REELMESH_DATA: "/srv/reels" }, { kind: "disk", folder: "/srv/reels/objects" }],
    [
      "in Azure by a connection string",
      { AZURE_STORAGE_CONNECTION_STRING: CONNECTION },
      { kind: "azure", account: { kind: "connection string", connectionString: CONNECTION }, container: "reelmesh" },
    ],
    [
      "in Azure by a key",
      { STORAGE_ACCOUNT_NAME: "reels", STORAGE_ACCESS_KEY: KEY, STORAGE_CONTAINER: "my-objects" },
      { kind: "azure", account: { kind: "key", account: "reels", key: KEY }, container: "my-objects" },
    ],
    [
      "in Azure by the process's own identity",
      { STORAGE_ACCOUNT_NAME: "reels" },
      { kind: "azure", account: { kind: "identity", account: "reels" }, container: "reelmesh" },
    ],
  ])("%s", (_, variables, config) => {
    expect(read(variables)).toEqual({ config, faults: [] });
  });
});

describe("faults", () => {
  test.each<[string, Variables, readonly string[]]>([
    ["a key without its account", { STORAGE_ACCESS_KEY: KEY }, ["STORAGE_ACCOUNT_NAME"]],
    ["a container without an account", { STORAGE_CONTAINER: "objects" }, ["STORAGE_ACCOUNT_NAME"]],
    ["both", { STORAGE_CONTAINER: "objects", STORAGE_ACCESS_KEY: KEY }, ["STORAGE_ACCOUNT_NAME"]],
    ["an impossible account", { STORAGE_ACCOUNT_NAME: "Reels!" }, ["STORAGE_ACCOUNT_NAME"]],
    ["a key that is none", { STORAGE_ACCOUNT_NAME: "reels", STORAGE_ACCESS_KEY: "secret key" }, ["STORAGE_ACCESS_KEY"]],
    [
      "an impossible container",
      { STORAGE_ACCOUNT_NAME: "reels", STORAGE_CONTAINER: "My--Objects" },
      ["STORAGE_CONTAINER"],
    ],
    [
      "an account named twice",
      { AZURE_STORAGE_CONNECTION_STRING: CONNECTION, STORAGE_ACCOUNT_NAME: "reels" },
      ["AZURE_STORAGE_CONNECTION_STRING"],
    ],
    [
      "half a connection string",
      { AZURE_STORAGE_CONNECTION_STRING: "AccountName=reels" },
      ["AZURE_STORAGE_CONNECTION_STRING"],
    ],
    ["no connection string", { AZURE_STORAGE_CONNECTION_STRING: "https://x" }, ["AZURE_STORAGE_CONNECTION_STRING"]],
  ])("%s", (_, variables, expected) => {
    expect(read(variables).faults.map(({ variable }) => variable)).toEqual(expected);
  });

  test("a service of its own is told what it lacks", () => {
    expect(read({}, true).faults).toMatchObject([{ variable: "STORAGE_ACCOUNT_NAME", given: undefined }]);
    expect(read({ AZURE_STORAGE_CONNECTION_STRING: CONNECTION }, true).faults).toEqual([]);
  });

  test("secrets are not repeated", () => {
    const { faults } = read({ STORAGE_ACCOUNT_NAME: "reels", STORAGE_ACCESS_KEY: "se cret" });
    expect(JSON.stringify(faults)).not.toContain("se cret");
  });
});
