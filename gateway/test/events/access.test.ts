import { afterEach, expect, test } from "@jest/globals";
import { OpenMediaResponse } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import { scope } from "../../../packages/mesh/test/support/mesh.js";
import { deferred } from "../../../packages/mesh/test/support/until.js";
import { createApi } from "../../../test/support/api.js";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh } from "../../../test/support/mesh.js";
import { until } from "../../../test/support/until.js";
import { createAccessCache } from "../../src/media/access-cache.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test("a right that is withdrawn ends when the event comes, long before the edge would forget", async () => {
  const mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder(), GATEWAY_CATCH_UP_SECONDS: "3600" });
  cleanup.add(() => mesh.stop());
  const api = createApi(mesh.url);
  const about = { filename: "a.mp4", filetype: "video/mp4", visibility: "PUBLIC" };
  const { video } = await api.upload(Buffer.from("bytes"), about);
  const media = await api.mediaOf(video);
  expect((await fetch(media)).status).toBe(200);
  await api.json("PATCH", `/api/v1/${video}?updateMask=visibility`, { visibility: "PRIVATE" });
  await until(async () => (await fetch(media)).status === 404);
});

test("what was asked before a video was forgotten is not remembered after", async () => {
  const answers = [deferred<OpenMediaResponse>(), deferred<OpenMediaResponse>()];
  let asked = 0;
  const cache = createAccessCache({ openMedia: () => answers[asked++]?.promise ?? Promise.reject(new Error("asked")) });
  const request = { video: "videos/a", grant: "-", item: "source" };
  const access = (object: string) =>
    OpenMediaResponse.fromPartial({ object, expireTime: new Date(Date.now() + 60_000) });

  const first = cache.open(request, scope());
  cache.forgetVideo("videos/b");
  cache.forgetVideo("videos/a");
  answers[0]?.resolve(access("before"));
  expect((await first).object).toBe("before");
  const second = cache.open(request, scope());
  answers[1]?.resolve(access("after"));
  expect((await second).object).toBe("after");
  expect((await cache.open(request, scope())).object).toBe("after");
  expect(asked).toBe(2);
});
