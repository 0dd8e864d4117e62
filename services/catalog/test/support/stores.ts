import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import type { Documents } from "@reelmesh/documents/collection.js";
import { openData, type Data } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { MongoClient } from "mongodb";
import { temporaryFolder } from "./services.js";

/** A store that a suite runs on. */
export interface TestStore {
  /** The documents, open while the suite's tests run. */
  documents(): Data;
  /** A test of what happens at once, which a stand-in for MongoDB may not keep apart. */
  atomicTest(name: string, run: () => Promise<void>): void;
}

/** Runs a suite on the embedded store, and on MongoDB where `TEST_MONGODB_URL` says; in CI it must. */
export function onEveryStore(name: string, suite: (store: TestStore) => void): void {
  describe(`${name}: embedded`, () => {
    const folder = temporaryFolder();
    runSuite(suite, {
      open: async () => openDocuments({ folder: (await folder).path }),
      remove: async () => (await folder).remove(),
    });
  });

  const url = process.env.TEST_MONGODB_URL;
  if (url === undefined) {
    if (process.env.CI === "true") {
      test(`${name}: MongoDB`, () => {
        throw new Error("TEST_MONGODB_URL is not set.");
      });
    } else test.skip(`${name}: MongoDB (skipped: TEST_MONGODB_URL is not set)`, () => undefined);
    return;
  }
  describe(`${name}: MongoDB`, () => {
    const database = temporaryDatabase();
    runSuite(
      suite,
      { open: () => openDocuments({ url, database }), remove: () => dropDatabases(url, database) },
      isFerret(url) ? "FerretDB" : undefined,
    );
  });
}

/** The name of a database for one test. */
export function temporaryDatabase(): string {
  return `services_${randomUUID().slice(0, 8)}`;
}

/** Removes the databases whose names begin like this. */
export async function dropDatabases(url: string, prefix: string): Promise<void> {
  const client = new MongoClient(url);
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) if (name.startsWith(prefix)) await client.db(name).dropDatabase();
  await client.close();
}

function runSuite(
  suite: (store: TestStore) => void,
  { open, remove }: { open: () => Promise<Documents>; remove: () => Promise<void> },
  standIn?: string,
): void {
  let opened: Data | undefined;
  beforeAll(async () => {
    opened = await openData(await open());
  });
  afterAll(async () => {
    await opened?.close();
    await remove();
  });
  suite({
    documents() {
      if (!opened) throw new Error("Documents are open while tests run");
      return opened;
    },
    atomicTest(name, run) {
      if (standIn === undefined) test(name, run);
      else test.skip(`${name} (skipped: ${standIn} lacks atomic changes)`, run);
    },
  });
}

/** Asked in a process of its own: tests are named before anything can be awaited. */
function isFerret(url: string): boolean {
  const ask = `const client = new (require("mongodb").MongoClient)(process.argv[1]);
    client.db("admin").command({ buildInfo: 1 }).then((info) => {
      process.stdout.write(String("ferretdbVersion" in info));
      return client.close();
    });`;
  return execFileSync(process.execPath, ["--eval", ask, url], { cwd: __dirname, encoding: "utf8" }) === "true";
}
