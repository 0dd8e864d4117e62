import type { Mesh } from "@reelmesh/mesh/module.js";
import { startSweeping } from "@reelmesh/mesh/sweep.js";
import type { StorageConfig } from "./config.js";
import type { ObjectStore } from "./object-store.js";

const SWEEP_EVERY_MS = 12 * 3_600_000;

/** Opens the store that the configuration names. Only that one's libraries are loaded. */
export function openStore(config: StorageConfig, log: Mesh["log"]): Promise<ObjectStore> {
  switch (config.kind) {
    case "disk":
      return openSweptDisk(config.folder, log);
    case "azure":
      return import("./azure/store.js").then(({ openAzureStore }) => openAzureStore(config));
  }
}

async function openSweptDisk(folder: string, log: Mesh["log"]): Promise<ObjectStore> {
  const { openDiskStore } = await import("./disk/store.js");
  const store = await openDiskStore(folder);
  const loops = store.sweeps.map((sweep) => startSweeping(sweep, { everyMs: SWEEP_EVERY_MS, log }));
  return {
    ...store,
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await store.close();
    },
  };
}
