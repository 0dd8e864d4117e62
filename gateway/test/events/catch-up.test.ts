import { afterEach, expect, test } from "@jest/globals";
import { createApi } from "../../../test/support/api.js";
import { createCleanup } from "../../../test/support/cleanup.js";
import { listen } from "../../../test/support/event-source.js";
import { until } from "../../../test/support/until.js";
import { startSplitMesh } from "../support/split-mesh.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test("an edge that no event reaches tells its pages all the same, and forgets who could see", async () => {
  const mesh = await startSplitMesh(cleanup, { GATEWAY_CATCH_UP_SECONDS: "1" });
  const api = createApi(mesh.url);
  const page = await listen(`${mesh.url}/api/v1/events`, cleanup);
  const { video } = await api.upload(Buffer.from("bytes"), {
    filename: "a.mp4",
    filetype: "video/mp4",
    visibility: "PUBLIC",
  });
  await until(() => page.heard.some(({ data }) => data.name === video && data.state === "PROCESSING"));

  const media = await api.mediaOf(video);
  expect((await fetch(media)).status).toBe(200);
  await api.json("PATCH", `/api/v1/${video}?updateMask=visibility`, { visibility: "PRIVATE" });
  await until(async () => (await fetch(media)).status === 404);
  await until(() => page.heard.some(({ data }) => data.name === video && data.visibility === "PRIVATE"));
});
