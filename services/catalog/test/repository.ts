import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { openVideos } from "../src/repository.js";
import {
  createVideo,
  deleteVideo,
  describeVideo,
  markUploaded,
  retryVideo,
  undeleteVideo,
  type Video,
} from "../src/video.js";
import type { TestStore } from "./support/stores.js";
import { CREATED, DAY_MS, LATER, newVideo, SOURCE, videoIn } from "./support/videos.js";

/** What the catalogue's repository does on every store. */
export function videoRepositoryContract(store: TestStore): void {
  const open = () => openVideos(store.documents());

  /** Owners of this test alone. */
  const somebody = () => `users/${randomUUID()}`;

  /** Videos of an owner, made a second apart, the oldest first. */
  const series = (owner: string, count: number, visibility: Video["visibility"] = "PRIVATE") =>
    Array.from({ length: count }, (_, index) =>
      createVideo(
        {
          id: `${owner.slice(6)}-${index}`,
          requestId: `r${index}`,
          owner,
          details: { title: "T", description: "", tags: [], visibility },
          sizeBytes: 0,
        },
        new Date(CREATED.getTime() + index * 1000),
      ),
    );

  test("a video comes back as it was kept", async () => {
    const videos = await open();
    const video = markUploaded(newVideo({ id: randomUUID(), tags: ["x"], owner: somebody() }), SOURCE, LATER);
    expect(await videos.insert(video)).toEqual(video);
    expect(await videos.find(video._id)).toEqual(video);
    expect(await videos.find("unknown")).toBeUndefined();
  });

  test("the same request of the same owner makes one video, of another owner another", async () => {
    const videos = await open();
    const owner = somebody();
    const first = newVideo({ id: randomUUID(), owner, requestId: "r" });
    await videos.insert(first);
    expect(await videos.insert(newVideo({ id: randomUUID(), owner, requestId: "r", title: "B" }))).toEqual(first);
    const other = newVideo({ id: randomUUID(), owner: somebody(), requestId: "r" });
    expect(await videos.insert(other)).toEqual(other);
  });

  store.atomicTest("raced requests agree on one video", async () => {
    const videos = await open();
    const owner = somebody();
    const raced = await Promise.all(
      Array.from({ length: 8 }, () => videos.insert(newVideo({ id: randomUUID(), owner, requestId: "r" }))),
    );
    expect(new Set(raced.map(({ _id }) => _id)).size).toBe(1);
  });

  test("a revision is replaced once, and what a transition takes away is gone", async () => {
    const videos = await open();
    const failed = videoIn("FAILED", { id: randomUUID(), owner: somebody() });
    await videos.insert(failed);
    const retried = retryVideo(failed, LATER);
    expect(await videos.replace(retried)).toBe(true);
    expect(await videos.replace(describeVideo(failed, { title: "stale" }, LATER))).toBe(false);
    expect(await videos.find(failed._id)).toEqual(retried);
    const deleted = deleteVideo(retried, DAY_MS, LATER);
    expect(await videos.replace(deleted)).toBe(true);
    expect(await videos.find(failed._id)).toEqual(deleted);
    const restored = undeleteVideo(deleted, LATER);
    expect(await videos.replace(restored)).toBe(true);
    expect(await videos.find(failed._id)).toEqual(restored);
  });

  store.atomicTest("of two that replace the same revision one wins", async () => {
    const videos = await open();
    const video = newVideo({ id: randomUUID(), owner: somebody() });
    await videos.insert(video);
    const wins = await Promise.all(
      Array.from({ length: 8 }, (_, title) => videos.replace(describeVideo(video, { title: `${title}` }, LATER))),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
  });

  test("lists: whom they are for, of whom, newest first, from a place on", async () => {
    const videos = await open();
    const owner = somebody();
    const own = series(owner, 4);
    for (const video of own) await videos.insert(video);
    const ids = async (query: Parameters<typeof videos.listFor>[0]) =>
      (await videos.listFor(query)).map(({ _id }) => own.findIndex((video) => video._id === _id));
    expect(await ids({ audience: [owner, "unknown"], limit: 10 })).toEqual([3, 2, 1, 0]);
    expect(await ids({ audience: [owner], owner, limit: 2 })).toEqual([3, 2]);
    const before = own[2]?.createKey ?? "";
    expect(await ids({ audience: [owner], owner, before, limit: 2 })).toEqual([1, 0]);
    expect(await ids({ audience: [owner], owner: somebody(), limit: 10 })).toEqual([]);
    expect(await ids({ audience: ["unknown"], owner, limit: 10 })).toEqual([]);
  });

  test("a video that is found in two ways is listed once", async () => {
    const videos = await open();
    const owner = somebody();
    const [made] = series(owner, 1, "PUBLIC");
    if (!made) throw new Error("There is one");
    await videos.insert(markUploaded(made, SOURCE, LATER));
    const found = await videos.listFor({ audience: [owner, "members", "public"], owner, limit: 10 });
    expect(found.map(({ _id }) => _id)).toEqual([made._id]);
  });

  test("changes come in the order of their times, then ids, after a place", async () => {
    const videos = await open();
    const at = new Date("2999-01-01T00:00:00Z");
    const made = ["b", "a", "c"].map((id) => newVideo({ id: `${id}-${randomUUID()}`, owner: somebody() }));
    for (const video of made) await videos.insert(describeVideo(video, { title: "later" }, at));
    const from = `${at.toISOString()} `;
    const names = (await videos.listChanges({ after: from, limit: 10 })).map(({ _id }) => _id[0]);
    expect(names).toEqual(["a", "b", "c"]);
    const [first, second] = await videos.listChanges({ after: from, limit: 2 });
    expect([first?._id[0], second?._id[0]]).toEqual(["a", "b"]);
    const rest = await videos.listChanges({ after: second?.updateKey ?? "", limit: 2 });
    expect(rest.map(({ _id }) => _id[0])).toEqual(["c"]);
  });

  test("a purge removes what is past its time, and nothing else", async () => {
    const videos = await open();
    const owner = somebody();
    const [kept, expired, waiting] = series(owner, 3).map((video) => markUploaded(video, SOURCE, CREATED));
    if (!kept || !expired || !waiting) throw new Error("There are three");
    await videos.insert(kept);
    await videos.insert(deleteVideo(expired, DAY_MS, CREATED));
    await videos.insert(deleteVideo(waiting, DAY_MS + 1, CREATED));
    const early = new Date(CREATED.getTime() + DAY_MS - 1);
    expect(await videos.purge(expired._id, early)).toBe(false);
    expect(await videos.listExpired(early, 10)).toEqual([]);
    const now = new Date(CREATED.getTime() + DAY_MS);
    expect((await videos.listExpired(now, 10)).map(({ _id }) => _id)).toEqual([expired._id]);
    for (const { _id } of [expired, kept, waiting]) await videos.purge(_id, now);
    expect(await videos.find(expired._id)).toBeUndefined();
    expect(await videos.find(waiting._id)).toBeDefined();
    expect(await videos.find(kept._id)).toEqual(kept);
  });
}
