import { afterEach, expect, test } from "@jest/globals";
import { createApi } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startProcess } from "../support/process.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test("a second process on the same data is refused with a sentence, and the first one goes on", async () => {
  const data = await cleanup.folder();
  const first = await startProcess({ REELMESH_DATA: data });
  cleanup.add(() => first.kill());
  const bytes = Buffer.from("the first one's");
  const { video } = await createApi(first.url).upload(bytes, { filename: "a.mp4", filetype: "video/mp4" });

  await expect(startProcess({ REELMESH_DATA: data })).rejects.toThrow(/in use by .*Stop that process first/s);

  const media = await fetch(await createApi(first.url).mediaOf(video));
  expect(Buffer.from(await media.arrayBuffer())).toEqual(bytes);
});

test("a polite end lets go of the data, which the next process takes over", async () => {
  const data = await cleanup.folder();
  const first = await startProcess({ REELMESH_DATA: data });
  const { video } = await createApi(first.url).upload(Buffer.from("kept"), {
    filename: "a.mp4",
    filetype: "video/mp4",
  });
  expect(await first.stop()).toBe(0);
  const second = await startProcess({ REELMESH_DATA: data });
  cleanup.add(() => second.kill());
  expect(await createApi(second.url).video(video)).toMatchObject({ name: video, state: "PROCESSING" });
});
