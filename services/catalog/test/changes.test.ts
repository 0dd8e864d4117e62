import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { createPageTokens } from "@reelmesh/mesh/page-token.js";
import { Video_State, type Video } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import { openVideos, type VideoRepository } from "../src/repository.js";
import { createCatalogService } from "../src/service.js";
import { describeVideo, timeKey, type Video as KeptVideo } from "../src/video.js";
import { useCatalog } from "./support/catalog.js";
import { rejection, scope, temporaryFolder } from "./support/services.js";
import { newVideo } from "./support/videos.js";

const running = useCatalog();
const nobody = scope();

/** Reads changes to the end of what there is now, from a token on. */
async function follow(pageToken: string, pageSize: number, saw: (video: Video) => void): Promise<string> {
  for (let token = pageToken; ;) {
    const page = await running().upload.listChanges({ pageToken: token, pageSize }, nobody);
    page.videos.forEach(saw);
    token = page.nextPageToken;
    if (page.videos.length < pageSize) return token;
  }
}

describe("a follower of changes", () => {
  test("sees every video as it is in the end, whatever was written while it read", async () => {
    const ann = await running().services.as("ann");
    const latest = new Map<string, string>();
    const state = { writing: true };
    const writer = async (number: number) => {
      for (let round = 0; round < 12; round++) {
        const { name } = await running().createUploaded(ann);
        const title = `${number}-${round}`;
        const { etag } = await running().edge.updateVideo({ video: { name, title } }, ann);
        latest.set(name, etag);
        if (round % 4 === 0) latest.set(name, (await running().edge.deleteVideo({ name }, ann)).etag);
      }
    };
    const seen = new Map<string, Video>();
    const remember = (video: Video) => void seen.set(video.name, video);
    const follower = async () => {
      let token = "";
      while (state.writing) token = await follow(token, 7, remember);
      return follow(token, 7, remember);
    };
    const following = follower();
    await Promise.all(Array.from({ length: 6 }, (_, number) => writer(number)));
    state.writing = false;
    await following;
    expect(latest.size).toBe(72);
    for (const [name, etag] of latest) expect(seen.get(name)?.etag).toBe(etag);
    expect([...seen.values()].filter((video) => video.state === Video_State.DELETED)).toHaveLength(18);
  });

  test("finds them in the order of their times, and always gets a token", async () => {
    const videos: Video[] = [];
    const token = await follow("", 5, (video) => void videos.push(video));
    const keys = videos.map(({ updateTime, name }) => timeKey(updateTime ?? new Date(0), name));
    expect(keys).toEqual([...keys].sort());
    expect(token).not.toBe("");
  });

  test("who does not need what was before begins a little before a time", async () => {
    const ann = await running().services.as("ann");
    const { name } = await running().createUploaded(ann);
    const first = async (startTime: Date) => {
      const page = await running().upload.listChanges({ startTime, pageSize: 1000 }, nobody);
      return { names: page.videos.map((video) => video.name), token: page.nextPageToken };
    };
    const now = await first(new Date());
    expect(now.names).toContain(name);
    const later = await first(new Date(Date.now() + 120_000));
    expect(later.names).toEqual([]);
    const { name: next } = await running().createUploaded(ann);
    const seen = new Set<string>();
    await follow(later.token, 100, (video) => void seen.add(video.name));
    expect(seen).toContain(next);
  });

  test("asks with tokens from here alone, and for no negative page", async () => {
    for (const pageToken of ["x", "\0", "a.b"])
      expect(await rejection(running().upload.listChanges({ pageToken }, nobody))).toMatchObject({
        metadata: { field: "page_token" },
      });
    expect(await rejection(running().upload.listChanges({ pageSize: -1 }, nobody))).toMatchObject({
      metadata: { field: "page_size" },
    });
  });
});

describe("a change that is written later than the time it bears", () => {
  /** The service's own method over a store that its writes reach when the test says. */
  async function start() {
    const folder = await temporaryFolder();
    const documents = await openData(await openDocuments({ folder: folder.path }));
    const videos: VideoRepository = await openVideos(documents);
    const { keys } = running().services;
    const service = createCatalogService(videos, createPageTokens(keys), { keepDeletedMs: 0 }, () => undefined);
    const read = async (pageToken: string) => {
      const context = { ...nobody, peer: "test", log: running().services.log };
      const { videos: found = [], nextPageToken = "" } = await service.listChanges(
        { pageToken, pageSize: 2, startTime: undefined },
        context,
      );
      return { names: found.map(({ name = "" }) => name), nextPageToken };
    };
    const stop = async () => {
      await documents.close();
      await folder.remove();
    };
    return { videos, read, stop };
  }

  const changedAt = (id: string, ms: number): KeptVideo =>
    describeVideo(newVideo({ id, requestId: id }), { title: "changed" }, new Date(ms));

  afterEach(() => {
    jest.useRealTimers();
  });

  test("is seen, also by a follower who was past it and found no end for a long while", async () => {
    const { videos, read, stop } = await start();
    const begun = Date.now();
    jest.useFakeTimers({
      now: begun,
      doNotFake: ["nextTick", "setImmediate", "setTimeout", "setInterval", "queueMicrotask"],
    });
    const insert = (id: string, ms: number) => videos.insert(changedAt(id, ms));
    await insert("v1", begun + 1);
    await insert("v2", begun + 2);
    let page = await read("");
    expect(page.names).toEqual(["videos/v1", "videos/v2"]);
    await insert("late", begun);
    for (let minute = 1; minute <= 5; minute++) {
      jest.setSystemTime(begun + minute * 60_000);
      const ids = [`v${minute}a`, `v${minute}b`];
      for (const id of ids) await insert(id, Date.now());
      page = await read(page.nextPageToken);
      expect(page.names).toEqual(ids.map((id) => `videos/${id}`));
    }
    const seen: string[] = [];
    do {
      page = await read(page.nextPageToken);
      seen.push(...page.names);
    } while (!seen.includes("videos/v5b"));
    expect(seen).toContain("videos/late");
    await stop();
  });
});
