import { describe } from "@jest/globals";
import { openDiskStore } from "../src/disk/store.js";
import { describeObjectStore } from "./contract.js";
import { temporaryFolder } from "./support.js";

describe("the disk", () => {
  describeObjectStore(async () => {
    const folder = await temporaryFolder();
    const store = await openDiskStore(folder.path);
    return {
      store,
      async stop() {
        await store.close();
        await folder.remove();
      },
    };
  });
});
