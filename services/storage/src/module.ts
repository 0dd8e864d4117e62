import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { serveSweeps } from "@reelmesh/mesh/sweep.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { access } from "./access.js";
import { readConfig } from "./config.js";
import { openStore } from "./open-store.js";
import { createStorageService } from "./service.js";

/** Keeps objects on disk or in Azure Blob Storage. */
export const storage = defineModule({
  name: "storage",
  port: 7001,
  clients: [],
  config: readConfig,
  async start(config, mesh) {
    const store = await openStore(config, mesh.log);
    return {
      services: [
        serve(StorageServiceDefinition, createStorageService(store, mesh.keys), access),
        serveSweeps(store.sweeps),
      ],
      check: () => store.check(),
      stop: () => store.close(),
    };
  },
});
