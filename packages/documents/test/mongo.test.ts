import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "@jest/globals";
import { MongoClient } from "mongodb";
import { StoreUnavailableError } from "../src/errors.js";
import { openDocuments } from "../src/open.js";
import { documentsContract, type StandIn } from "./contract.js";

/** FerretDB speaks MongoDB's protocol without all of its promises. Asked in a process of its own: tests are named at once. */
function standInAt(server: string): StandIn | undefined {
  const ask = `const { MongoClient } = require("mongodb");
    const client = new MongoClient(process.argv[1]);
    client.db("admin").command({ buildInfo: 1 }).then((info) => {
      process.stdout.write("ferretdbVersion" in info ? "FerretDB" : "MongoDB");
      return client.close();
    });`;
  const kind = execFileSync(process.execPath, ["--eval", ask, server], { cwd: __dirname, encoding: "utf8" });
  if (kind !== "FerretDB") return undefined;
  return { name: kind, lacks: ["atomic changes", "unique indexes beyond inserts"] };
}

const url = process.env.TEST_MONGODB_URL;

if (url !== undefined) {
  const database = `documents_${randomUUID().slice(0, 8)}`;
  afterAll(async () => {
    const client = new MongoClient(url);
    await client.db(database).dropDatabase();
    await client.close();
  });
  documentsContract("MongoDB", () => openDocuments({ url, database }), standInAt(url));
} else if (process.env.CI === "true") {
  test("documents contract: MongoDB", () => {
    throw new Error("TEST_MONGODB_URL is not set.");
  });
} else {
  test.skip("documents contract: MongoDB (skipped: TEST_MONGODB_URL is not set)", () => undefined);
}

test("a MongoDB that cannot be reached is unavailable, and close still works", async () => {
  const documents = await openDocuments({
    url: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50",
    database: "none",
  });
  await expect(documents.ping()).rejects.toBeInstanceOf(StoreUnavailableError);
  await expect(documents.collection("things", { indexes: [{ keys: { a: 1 } }] })).rejects.toBeInstanceOf(
    StoreUnavailableError,
  );
  await documents.close();
});
