import { describe } from "@jest/globals";
import { openAzureStore } from "../src/azure/store.js";
import { startAzurite } from "./azurite.js";
import { describeObjectStore } from "./contract.js";

describe("Azure Blob Storage", () => {
  describeObjectStore(async () => {
    const azurite = await startAzurite();
    const { connectionString } = azurite;
    const store = await openAzureStore({
      account: { kind: "connection string", connectionString },
      container: "objects",
    });
    return { store, stop: () => azurite.stop() };
  });
});
