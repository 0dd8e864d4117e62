import { createHash, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { createApi, type Api } from "../../support/api.js";

const PIECE = 256 * 1024;
/** How long a viewer watches what it has before it asks for more. */
const WATCHING_MS = 200;

/** What load saw, when it ended. */
export interface Seen {
  readonly requests: number;
  /** Requests that failed, and bytes that were wrong, in words. */
  readonly failures: readonly string[];
  readonly uploads: number;
}

/** People at work: they watch, upload, and change titles until they are told to stop. */
export interface Load {
  /** Requests that have been answered as they should. */
  readonly requests: number;
  stop(): Promise<Seen>;
}

/** Uploads a film of random bytes and has so many viewers watch it, while two others upload and one changes titles. */
export async function startLoad(url: string, viewers: number): Promise<Load> {
  const api = createApi(url);
  const film = randomBytes(4 * 1024 * 1024);
  const { video } = await api.upload(film, { filename: "film.mp4", filetype: "video/mp4" });
  const failures: string[] = [];
  const seen = { requests: 0, uploads: 0, failures };
  let stopped = false;

  const repeat = async (name: string, work: () => Promise<void>) => {
    while (!stopped) {
      try {
        await work();
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${name}: ${inWords(error)}`);
        await pause(WATCHING_MS);
      }
    }
  };
  const counted = async <T>(request: Promise<T>): Promise<T> => {
    const answer = await request;
    seen.requests += 1;
    return answer;
  };

  const watch = async () => {
    const media = await counted(api.mediaOf(video));
    for (let from = 0; from < film.length && !stopped; from += PIECE) {
      const bytes = await counted(rangeOf(media, from, from + PIECE - 1));
      if (!bytes.equals(film.subarray(from, from + PIECE))) throw new Error(`wrong bytes at ${from}`);
      await pause(WATCHING_MS);
    }
  };
  const upload = async () => {
    const bytes = randomBytes(4 * PIECE);
    const begun = await counted(api.createUpload(bytes.length, { filename: "more.mp4", filetype: "video/mp4" }));
    for (let offset = 0; offset < bytes.length;)
      offset = await counted(api.patch(begun.location, offset, bytes.subarray(offset, offset + PIECE)));
    const whole = await counted(fetchBytes(await counted(api.mediaOf(begun.video))));
    if (digest(whole) !== digest(bytes)) throw new Error("what was uploaded is not what is played");
    await counted(api.json("DELETE", `/api/v1/${begun.video}`));
    seen.uploads += 1;
  };
  const rename = async () => {
    const title = `Title ${seen.requests}`;
    await counted(api.json("PATCH", `/api/v1/${video}`, { title }));
    const { title: told } = await counted(api.video(video));
    if (told !== title) throw new Error(`the title is ${String(told)} instead of ${title}`);
    await counted(api.videos());
  };
  const working = [
    ...Array.from({ length: viewers }, (_, index) => repeat(`viewer ${index}`, watch)),
    ...Array.from({ length: 2 }, (_, index) => repeat(`uploader ${index}`, upload)),
    repeat("editor", rename),
  ];
  return {
    get requests() {
      return seen.requests;
    },
    async stop() {
      stopped = true;
      await Promise.all(working);
      await remove(api, video);
      return seen;
    },
  };
}

async function remove(api: Api, video: string): Promise<void> {
  await api.json("DELETE", `/api/v1/${video}`);
}

async function rangeOf(url: string, from: number, to: number): Promise<Buffer> {
  const response = await fetch(url, { headers: { range: `bytes=${from}-${to}` } });
  if (response.status !== 206) throw new Error(`${response.status} ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

async function fetchBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** An error's message and those of its causes; fetch's are errors of another realm. */
function inWords(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, code, cause }: { message?: unknown; code?: unknown; cause?: unknown } = error;
  return [message, code, cause === undefined ? undefined : inWords(cause)]
    .filter((part) => typeof part === "string" && part !== "")
    .join(": ");
}
