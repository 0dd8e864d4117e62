import { createApi, type Json } from "./api.js";
import { createCleanup, type Cleanup } from "./cleanup.js";
import { listen, type EventSource } from "./event-source.js";

/** What a page shows that keeps itself up to date as the web application does. */
export interface FollowedLibrary {
  /** Titles of the videos by name. */
  titles(): ReadonlyMap<string, unknown>;
  /** How often it began to listen. */
  connections(): number;
}

/** Listens at whichever edge answers, reads the list each time it begins, and takes over what it is told after. */
export function followLibrary(urls: readonly string[], cleanup: Cleanup): FollowedLibrary {
  const state = { stopped: false, connections: 0 };
  const leaving = createCleanup();
  const known = new Map<string, Json>();
  let source: EventSource | undefined;
  let taken = 0;

  const take = (video: Json) => {
    const name = String(video.name);
    if (timeOf(known.get(name)) <= timeOf(video)) known.set(name, video);
  };
  const takeHeard = () => {
    for (const { event, data } of source?.heard.slice(taken) ?? []) {
      taken += 1;
      if (event === "gone") known.delete(String(data.name));
      else take(data);
    }
  };

  const listenAt = async (url: string) => {
    source = await listen(`${url}/api/v1/events`, leaving);
    taken = 0;
    state.connections += 1;
    const listed = await createApi(url).videos();
    known.clear();
    listed.forEach(take);
    await source.ended;
    takeHeard();
  };
  const follow = async () => {
    for (let at = 0; !state.stopped; at++) {
      await listenAt(urls[at % urls.length] ?? "").catch(() => undefined);
      await new Promise(setImmediate);
    }
  };
  const following = follow();
  cleanup.add(async () => {
    state.stopped = true;
    await leaving.run();
    await following;
  });

  return {
    titles() {
      takeHeard();
      const shown = [...known.values()].filter(({ state: now }) => now !== "DELETED" && now !== "UPLOADING");
      return new Map(shown.map(({ name, title }) => [String(name), title]));
    },
    connections: () => state.connections,
  };
}

function timeOf(video: Json | undefined): number {
  return typeof video?.updateTime === "string" ? Date.parse(video.updateTime) : 0;
}
