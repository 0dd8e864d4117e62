import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ResourceEvent } from "@reelmesh/events/bus.js";
import { openBus } from "@reelmesh/events/open.js";
import { Environment } from "@reelmesh/mesh/environment.js";
import { defineModule } from "@reelmesh/mesh/module.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { readConfig } from "../src/config.js";
import { catalog } from "../src/module.js";
import { sourceOf, type CatalogClient } from "./support/catalog.js";
import { startServices, temporaryFolder, until, type TestServices } from "./support/services.js";

const heard: ResourceEvent[] = [];
const folder = temporaryFolder();
let services: TestServices;
let videos: CatalogClient;
let upload: CatalogClient;
let transcode: CatalogClient;

const listener = defineModule({
  name: "listener",
  clients: [],
  config: () => undefined,
  async start(_config, mesh) {
    const bus = await openBus("in process", "listener", mesh);
    bus.subscribe(["catalog.video.changed"], (event) => void heard.push(event));
    return { stop: () => bus.close() };
  },
});

beforeAll(async () => {
  services = await startServices([catalog, listener], { REELMESH_DATA: (await folder).path });
  const client = (caller: string) => services.client("catalog", CatalogServiceDefinition, caller);
  videos = client("gateway");
  upload = client("upload");
  transcode = client("transcode");
});
afterAll(async () => {
  await services.stop();
  await (await folder).remove();
});

test("every change of a video is told to whoever listens in the process, and nothing else is", async () => {
  const ann = await services.as("ann");
  const { name } = await upload.createVideo({ video: { title: "A", sizeBytes: 7n }, requestId: "a" }, ann);
  const media = { durationMs: 5n, width: 2, height: 2 };
  const changes: readonly (() => Promise<unknown>)[] = [
    () => upload.markUploaded({ name, source: sourceOf(name) }, ann),
    () => transcode.markPlayable({ name, ...media }, ann),
    () => transcode.markFailed({ name, reason: "Broken." }, ann),
    () => videos.retryVideo({ name }, ann),
    () => transcode.markReady({ name }, ann),
    () => videos.updateVideo({ video: { name, title: "B" } }, ann),
    () => videos.deleteVideo({ name }, ann),
    () => videos.undeleteVideo({ name }, ann),
  ];
  await until(() => heard.length === 1);
  for (const [index, change] of changes.entries()) {
    await change();
    await until(() => heard.length === index + 2);
  }
  await videos.getVideo({ name }, ann);
  await transcode.markReady({ name }, ann);
  await expect(transcode.markFailed({ name, reason: "Broken." }, ann)).rejects.toThrow();
  const { name: other } = await upload.createVideo({ video: { title: "B" }, requestId: "b" }, ann);
  await until(() => heard.at(-1)?.name === other);
  const expected = [...Array.from({ length: 9 }, () => name), other];
  expect(heard).toEqual(expected.map((changed) => ({ type: "catalog.video.changed", name: changed })));
});

test("a catalogue of its own does not start without a broker to tell by", () => {
  const environment = new Environment({ DBHOST: "mongodb://127.0.0.1" }, { alone: true });
  readConfig(environment);
  expect(environment.faults).toMatchObject([{ variable: "AMQP_URL", given: undefined }]);
});
