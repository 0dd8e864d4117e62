import type { Sweep } from "@reelmesh/mesh/sweep.js";
import type { VideoRepository } from "./repository.js";

const BATCH = 100;
/** How many are told of that would be purged. */
const MOST_SHOWN = 10_000;

/** Removes deleted videos whose time is up. */
export function createPurge(videos: Pick<VideoRepository, "listExpired" | "purge">): Sweep {
  return {
    name: "deleted videos",
    async *run({ signal }, { dryRun }) {
      const now = new Date();
      const list = async (limit: number) => (await videos.listExpired(now, limit)).map(({ _id }) => _id);
      if (dryRun) {
        for (const id of await list(MOST_SHOWN)) yield `videos/${id}`;
        return;
      }
      for (let found = await list(BATCH); found.length > 0; found = await list(BATCH)) {
        for (const id of found) {
          signal.throwIfAborted();
          if (await videos.purge(id, now)) yield `videos/${id}`;
        }
      }
    },
  };
}
