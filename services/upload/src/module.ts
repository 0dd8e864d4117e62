import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { serveDocuments } from "@reelmesh/documents/operations/service.js";
import { openBus } from "@reelmesh/events/open.js";
import { services, type AccessTable } from "@reelmesh/mesh/access.js";
import { startLoop } from "@reelmesh/mesh/loop.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { createPageTokens } from "@reelmesh/mesh/page-token.js";
import { serveSweeps, startSweeping } from "@reelmesh/mesh/sweep.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { UploadServiceDefinition } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { readConfig } from "./config.js";
import { createFinishing } from "./finishing.js";
import { createSourceSweep, createUploadSweep, reconcileUploads } from "./reconcile.js";
import { openUploads } from "./repository.js";
import { createUploadService } from "./service.js";

const ACCESS: AccessTable<typeof UploadServiceDefinition> = {
  createUpload: "people",
  getUpload: "people",
  listUploads: "people",
  openWrite: services("gateway"),
  recordBlocks: services("gateway"),
  deleteUpload: "people",
};

/** Bytes coming in. */
export const upload = defineModule({
  name: "upload",
  port: 7003,
  clients: ["catalog", "storage"],
  config: readConfig,
  async start(config, mesh) {
    const { keys, tokens, log } = mesh;
    const data = await openData(await openDocuments(config.documents));
    const uploads = await openUploads(data);
    const catalog = mesh.client("catalog", CatalogServiceDefinition);
    const storage = mesh.client("storage", StorageServiceDefinition);
    const bus = await openBus(config.events, "upload", mesh);
    const finishing = createFinishing({
      ...{ uploads, catalog, storage, keys, tokens },
      onFinished: (name) => {
        bus.publish({ type: "upload.completed", name });
      },
    });
    const reconciling = startLoop("uploads", { everyMs: config.reconcileEveryMs, log }, (scope) =>
      reconcileUploads({ uploads, finishing, log }, scope),
    );
    const sources = createSourceSweep({ catalog, storage, keys, olderThanMs: config.sweepAgeMs });
    const sweeping = startSweeping(sources, { everyMs: config.sweepEveryMs, log });
    const pages = createPageTokens(keys);
    const service = createUploadService({
      uploads,
      finishing,
      pages,
      keys,
      config,
      nudge: () => {
        reconciling.nudge();
      },
    });
    return {
      services: [
        serve(UploadServiceDefinition, service, ACCESS),
        serveDocuments(data),
        serveSweeps([createUploadSweep({ uploads, finishing, log }), sources]),
      ],
      check: () => data.ping(),
      async stop() {
        await Promise.all([reconciling.stop(), sweeping.stop()]);
        await bus.close();
        await data.close();
      },
    };
  },
});
