import { guardDocuments } from "@reelmesh/documents/guarded.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { openBus } from "@reelmesh/events/open.js";
import { services, type AccessTable } from "@reelmesh/mesh/access.js";
import { startLoop } from "@reelmesh/mesh/loop.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { createPageTokens } from "@reelmesh/mesh/page-token.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { readConfig } from "./config.js";
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
    const documents = guardDocuments(await openDocuments(config.documents));
    const videos = await openVideos(documents);
    const bus = await openBus(config.events, "catalog", mesh);
    const service = createCatalogService(videos, createPageTokens(mesh.keys), config, (name) => {
      bus.publish({ type: "catalog.video.changed", name });
    });
    const purge = startLoop("purge", { everyMs: config.purgeEveryMs, log: mesh.log }, () => videos.purge(new Date()));
    return {
      services: [serve(CatalogServiceDefinition, service, ACCESS)],
      check: () => documents.ping(),
      async stop() {
        await purge.stop();
        await bus.close();
        await documents.close();
      },
    };
  },
});
