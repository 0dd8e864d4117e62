import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { serveDocuments } from "@reelmesh/documents/operations/service.js";
import { openBus } from "@reelmesh/events/open.js";
import { services, type AccessTable } from "@reelmesh/mesh/access.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { createPageTokens } from "@reelmesh/mesh/page-token.js";
import { serveSweeps, startSweeping } from "@reelmesh/mesh/sweep.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { readConfig } from "./config.js";
import { createPurge } from "./purge.js";
import { openVideos } from "./repository.js";
import { createCatalogService } from "./service.js";

const ACCESS: AccessTable<typeof CatalogServiceDefinition> = {
  getVideo: "anybody",
  listVideos: "anybody",
  createVideo: services("upload"),
  updateVideo: "people",
  deleteVideo: "people",
  undeleteVideo: "people",
  retryVideo: "people",
  markUploaded: services("upload"),
  markPlayable: services("transcode"),
  markReady: services("transcode"),
  markFailed: services("transcode"),
  checkAccess: services("gateway", "streaming", "upload", "transcode"),
  listChanges: services("gateway", "streaming", "upload", "transcode"),
};

/** What there is to watch, and who may. */
export const catalog = defineModule({
  name: "catalog",
  port: 7002,
  clients: [],
  config: readConfig,
  async start(config, mesh) {
    const data = await openData(await openDocuments(config.documents));
    const videos = await openVideos(data);
    const bus = await openBus(config.events, "catalog", mesh);
    const service = createCatalogService(videos, createPageTokens(mesh.keys), config, (name) => {
      bus.publish({ type: "catalog.video.changed", name });
    });
    const purge = createPurge(videos);
    const purging = startSweeping(purge, { everyMs: config.purgeEveryMs, log: mesh.log });
    return {
      services: [serve(CatalogServiceDefinition, service, ACCESS), serveDocuments(data), serveSweeps([purge])],
      check: () => data.ping(),
      async stop() {
        await purging.stop();
        await bus.close();
        await data.close();
      },
    };
  },
});
