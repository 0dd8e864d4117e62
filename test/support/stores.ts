import { randomUUID } from "node:crypto";
import { startAzurite } from "../../services/storage/test/azurite.js";
import type { Cleanup } from "./cleanup.js";

/** A set of stores to run the whole system on, as the environment names them. */
export interface Stores {
  readonly name: string;
  /** Why it cannot be had here; undefined when it can. */
  readonly missing: string | undefined;
  variables(cleanup: Cleanup): Promise<Readonly<Record<string, string>>>;
}

/** Nothing but a folder. */
export const embedded: Stores = {
  name: "embedded documents and the disk",
  missing: undefined,
  variables: async (cleanup) => ({ REELMESH_DATA: await cleanup.folder() }),
};

/** MongoDB, where TEST_MONGODB_URL says, and Azurite. */
export const servers: Stores = {
  name: "MongoDB and Azurite",
  missing:
    process.env.TEST_MONGODB_URL === undefined && process.env.CI !== "true" ? "TEST_MONGODB_URL is not set" : undefined,
  async variables(cleanup) {
    const azurite = await startAzurite();
    cleanup.add(() => azurite.stop());
    const { TEST_MONGODB_URL } = process.env;
    if (TEST_MONGODB_URL === undefined) throw new Error("CI needs TEST_MONGODB_URL");
    return {
      REELMESH_DATA: await cleanup.folder(),
      DBHOST: TEST_MONGODB_URL,
      DBNAME: `journey-${randomUUID().slice(0, 8)}-`,
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
      STORAGE_CONTAINER: "journey",
    };
  },
};
