import type { ServerResponse } from "node:http";
import type { Caller } from "../scope.js";

/** How much may wait for a page that reads slowly before it is cut off: it catches up when it comes back. */
const MOST_WAITING_BYTES = 256 * 1024;
/** How many videos a stream remembers to have told of; the oldest are told again. */
const MOST_TOLD = 1000;
/** A stream ends after this time, give or take a fifth: who may see what is asked anew, and pages spread over the edges. */
const LIFE_MS = 600_000;
/** Pages that lost their edge together do not come back together. */
const RETRY_MS = { least: 1_000, most: 5_000 };

/** A video as somebody may see it. */
export interface SeenVideo {
  readonly name: string;
  readonly etag: string;
  /** As GET answers it. */
  readonly json: string;
}

/** One page that is told of changes, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it. */
export interface EventStream {
  readonly caller: Caller;
  /** The names of the videos it asked for; undefined: whatever its viewer finds in the library. */
  readonly videos: ReadonlySet<string> | undefined;
  /** Tells how a video is now, unless that was told before. */
  show(video: SeenVideo): void;
  /** Tells that a video that was told of can no longer be seen. Of others nothing is said. */
  hide(name: string): void;
  /** Keeps the connection alive, or ends the stream when its time is up. */
  beat(): void;
  end(): void;
}

/** Begins the answer. */
export function openEventStream(response: ServerResponse, parts: Pick<EventStream, "caller" | "videos">): EventStream {
  const told = new Map<string, string>();
  const endsMs = Date.now() + LIFE_MS * (0.8 + 0.4 * Math.random());

  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
  };
  const send = (event: string, json: string) => {
    write(`event: ${event}\ndata: ${json}\n\n`);
  };

  response.writeHead(200, EVENT_STREAM_HEADERS);
  write(`retry: ${Math.round(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least))}\n\n`);

  return {
    ...parts,
    show({ name, etag, json }) {
      if (told.get(name) === etag) return;
      told.delete(name);
      const [oldest] = told.keys();
      if (told.size >= MOST_TOLD && oldest !== undefined) told.delete(oldest);
      told.set(name, etag);
      send("video", json);
    },
    hide(name) {
      if (told.delete(name)) send("gone", JSON.stringify({ name }));
    },
    beat() {
      if (Date.now() < endsMs) write(":\n\n");
      else response.end();
    },
    end() {
      response.end();
    },
  };
}

export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // nginx would hold it back.
  "x-accel-buffering": "no",
} as const;
