import type { Json } from "./api.js";
import type { Cleanup } from "./cleanup.js";

/** What a page hears. */
export interface Heard {
  readonly event: string;
  readonly data: Json;
}

/** A page's event stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it. */
export interface EventSource {
  readonly heard: readonly Heard[];
  /** What keeps the connection alive, and when to come back. */
  readonly asides: readonly string[];
  /** Resolves when the stream ends: true when it was ended, false when it was cut. */
  readonly ended: Promise<boolean>;
}

/**
 * Begins to listen, until the test has ended.
 *
 * @throws Error with the status when the server has something else to say.
 */
export async function listen(url: string, cleanup: Cleanup): Promise<EventSource> {
  const leaving = new AbortController();
  cleanup.add(async () => {
    leaving.abort();
  });
  const response = await fetch(url, { signal: leaving.signal, headers: { accept: "text/event-stream" } });
  const { body } = response;
  if (response.status !== 200 || !body) throw new Error(`${response.status} ${await response.text()}`);
  const heard: Heard[] = [];
  const asides: string[] = [];
  const read = async () => {
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + part).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (event === undefined || data === undefined) asides.push(block);
        else heard.push({ event, data: membersOf(data) });
      }
    }
  };
  const ended = read().then(
    () => true,
    () => false,
  );
  return { heard, asides, ended };
}

function membersOf(json: string): Json {
  const parsed: unknown = JSON.parse(json);
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}
