import { join } from "node:path";
import { openBus } from "@reelmesh/events/open.js";
import { defineModule } from "@reelmesh/mesh/module.js";
import { image } from "@reelmesh/proto/image.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { StreamingServiceDefinition } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import { UploadServiceDefinition } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { followChanges } from "./events/catch-up.js";
import { createEventStreams } from "./events/event-streams.js";
import { createEventsHandler } from "./events/events.js";
import { readContracts } from "./json/contracts.js";
import { createLocalUser } from "./local-user.js";
import { createAccessCache } from "./media/access-cache.js";
import { createMediaHandler } from "./media/media.js";
import { startEdge } from "./server.js";
import { createUploadsHandler } from "./uploads/uploads.js";

/** How long requests at work may take to end at a stop. */
const GRACE_MS = 5_000;

/** Which module serves a contract that the edge exposes. */
const SERVED_BY: ReadonlyMap<string, string> = new Map([
  [CatalogServiceDefinition.fullName, "catalog"],
  [UploadServiceDefinition.fullName, "upload"],
  [StreamingServiceDefinition.fullName, "streaming"],
]);

/** The HTTP edge. */
export const gateway = defineModule({
  name: "gateway",
  clients: ["catalog", "upload", "streaming", "storage"],
  config: readConfig,
  async start({ listen, hosts, events, eventStreams, catchUpEveryMs, noticeMs }, mesh) {
    const { log } = mesh;
    const principalOf = createLocalUser(mesh.tokens);
    const storage = mesh.client("storage", StorageServiceDefinition);
    const uploads = mesh.client("upload", UploadServiceDefinition);
    const accesses = createAccessCache(mesh.client("streaming", StreamingServiceDefinition));
    const catalog = mesh.client("catalog", CatalogServiceDefinition);
    const contracts = readContracts(image);
    const streams = createEventStreams({ catalog, contracts, mesh, most: eventStreams });
    const pages = createApp({
      contracts,
      events: createEventsHandler(streams, principalOf),
      callerOf: (service) => mesh.rawCaller(SERVED_BY.get(service) ?? service),
      principalOf,
      allowedHosts: hosts,
      webFolder: join(import.meta.dirname, "../web/dist"),
      log,
    });
    const paths = new Map([
      ["media", createMediaHandler({ accesses, storage, principalOf })],
      ["uploads", createUploadsHandler({ uploads, storage }, principalOf)],
    ]);
    const edge = await startEdge({ listen, hosts, paths, pages, log });
    const onChange = async (video: string) => {
      accesses.forgetVideo(video);
      await streams.changed(video);
    };
    const changes = followChanges({ catalog, everyMs: catchUpEveryMs, log, onChange });
    const bus = await openBus(events, "gateway", mesh);
    bus.subscribe(["catalog.video.changed", "upload.completed"], ({ name }) => onChange(name), {
      onHearing: () => {
        changes.nudge();
      },
    });
    return {
      listening: edge.address,
      async stop() {
        streams.close();
        await edge.close(GRACE_MS, noticeMs);
        await Promise.all([changes.stop(), bus.close()]);
      },
    };
  },
});
