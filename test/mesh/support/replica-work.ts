import type { ReadObjectRequest } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { ETAG, PIECE, bytesAt } from "../../../packages/mesh/test/support/endless.js";

/*
 * What a replica does, by whichever runtime. The name of the object asked for says how it is served: `wait/20` after
 * 20 ms, `busy/5` after 5 ms of the processor, `hold` when the call ends, and anything else at once.
 */

/** Calls at work, and who waits for there to be so many. */
let atWork = 0;
const watching = new Set<() => void>();

function enter(): () => void {
  atWork += 1;
  for (const look of watching) look();
  return () => {
    atWork -= 1;
  };
}

const ended = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
  });

async function work(object: string, signal: AbortSignal): Promise<void> {
  const [how, given = "0"] = object.split("/");
  const ms = Number(given);
  if (how === "hold") await ended(signal);
  if (how === "wait") await new Promise((resolve) => setTimeout(resolve, ms));
  if (how === "busy") for (const until = performance.now() + ms; performance.now() < until;);
}

export async function getObject(object: string, signal: AbortSignal) {
  const leave = enter();
  try {
    await work(object, signal);
    return { name: object };
  } finally {
    leave();
  }
}

/** The bytes of an object without end, each following from where it is; of `hold` its first message alone. */
export async function* readObject(
  { object, offset, length }: Pick<ReadObjectRequest, "object" | "offset" | "length">,
  signal: AbortSignal,
) {
  const leave = enter();
  try {
    yield { object: { name: object, etag: ETAG } };
    if (object === "hold") await ended(signal);
    const end = length === undefined ? Infinity : Number(offset + length);
    for (let at = Number(offset); at < end && !signal.aborted; at += PIECE) {
      yield { data: bytesAt(at, Math.min(PIECE, end - at)) };
    }
  } finally {
    leave();
  }
}

/** Answers as soon as `pageSize` calls are at work. */
export async function listObjects(pageSize: number, signal: AbortSignal) {
  await new Promise<void>((resolve) => {
    const look = () => {
      if (atWork < pageSize && !signal.aborted) return;
      watching.delete(look);
      resolve();
    };
    watching.add(look);
    signal.addEventListener("abort", look);
    look();
  });
  return { nextPageToken: String(atWork) };
}

/** Says where it serves to whoever started it. */
export function ready(address: string): void {
  console.log(`ready ${address}`);
}
