import { idOf, parseVideo, type Video } from "./model.js";
import { object, text } from "./parse.js";

/** How long to wait before asking again for a stream that was refused, at random: pages do not come back together. */
const REFUSED_MS = { least: 5_000, most: 30_000 };

/** What to do about what is told. */
export interface EventListener {
  /** The stream begins, also after an interruption: what happened before was not told. */
  readonly onOpen?: () => void;
  readonly onVideo: (video: Video) => void;
  /** A video that was told of can no longer be seen. */
  readonly onGone: (name: string) => void;
}

export interface EventFollower {
  /** Whether changes are told at the moment. */
  readonly isOpen: () => boolean;
  readonly stop: () => void;
}

/**
 * Hears of changes as they happen, while the page can be seen: browsers allow six connections to one server, and hidden
 * tabs must not take them all.
 *
 * @param videos - by name, told of at once as they are; none: all that the library holds.
 */
export function followEvents(videos: readonly string[], listener: EventListener): EventFollower {
  const query = videos.length === 0 ? "" : `?videos=${videos.map(idOf).join(",")}`;
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    if (document.visibilityState !== "visible") return;
    const opened = new EventSource(`/api/v1/events${query}`);
    source = opened;
    opened.onopen = () => listener.onOpen?.();
    opened.onerror = () => {
      // What was cut the browser takes up by itself; what was refused it does not.
      if (opened.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(open, REFUSED_MS.least + Math.random() * (REFUSED_MS.most - REFUSED_MS.least));
    };
    opened.addEventListener("video", ({ data }: MessageEvent<unknown>) => {
      listener.onVideo(parseVideo(read(data)));
    });
    opened.addEventListener("gone", ({ data }: MessageEvent<unknown>) => {
      listener.onGone(text(object(read(data)), "name"));
    });
  };

  open();
  document.addEventListener("visibilitychange", open);
  return {
    isOpen: () => source?.readyState === EventSource.OPEN,
    stop: () => {
      document.removeEventListener("visibilitychange", open);
      close();
    },
  };
}

function read(data: unknown): unknown {
  const json: unknown = JSON.parse(String(data));
  return json;
}
