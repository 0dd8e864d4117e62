import { services, type AccessTable } from "@reelmesh/mesh/access.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StreamingServiceDefinition } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import { readConfig } from "./config.js";
import { createStreamingService } from "./service.js";

const ACCESS: AccessTable<typeof StreamingServiceDefinition> = {
  getPlayback: "anybody",
  openMedia: services("gateway"),
};

/** What to play, and from where. */
export const streaming = defineModule({
  name: "streaming",
  port: 7005,
  clients: ["catalog"],
  config: readConfig,
  async start(config, mesh) {
    const catalog = mesh.client("catalog", CatalogServiceDefinition);
    const service = createStreamingService({ catalog, keys: mesh.keys, config });
    return { services: [serve(StreamingServiceDefinition, service, ACCESS)] };
  },
});
