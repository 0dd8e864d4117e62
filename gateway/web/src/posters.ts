import { api } from "./api.js";
import { grabFrame, type Frame } from "./frames.js";
import type { Video } from "./model.js";
import { createStore } from "./store.js";

/**
 * The pictures that stand for videos. The server makes none yet, so each is a still from the source, taken when its
 * card comes into view; this module is the only place that knows.
 */

/** At once: each needs a connection, of which browsers open six. */
const PARALLEL = 2;

const made = new Map<string, Promise<Frame | undefined>>();
const ready = new Map<string, Frame>();
const queue: (() => void)[] = [];
let running = 0;

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= PARALLEL) await new Promise<void>((resolve) => queue.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    queue.shift()?.();
  }
}

async function make(name: string): Promise<Frame | undefined> {
  try {
    const { path } = await api.getPlayback(name);
    const frame = await grabFrame(path);
    if (frame) ready.set(name, frame);
    return frame;
  } catch {
    return undefined;
  }
}

/** @returns undefined when there is none to be had. */
export function posterOf({ name }: Video): Promise<Frame | undefined> {
  const known = made.get(name);
  if (known) return known;
  const poster = inTurn(() => make(name));
  made.set(name, poster);
  void poster.then((frame) => {
    // Perhaps it can be had later, once more of the video is ready.
    if (!frame) made.delete(name);
  });
  return poster;
}

/** Stills of files that are on their way, by the key of their upload. */
export const stills = createStore<ReadonlyMap<string, Frame>>(new Map());

/** Takes a still from a file before it is anywhere else. */
export function makeStill(key: string, file: File): void {
  if (stillOf(key)) return;
  void inTurn(async () => {
    const url = URL.createObjectURL(file);
    const frame = await grabFrame(url);
    URL.revokeObjectURL(url);
    if (frame) stills.update((before) => new Map(before).set(key, frame));
  });
}

export function stillOf(key: string): Frame | undefined {
  return stills.get().get(key);
}

/** Lets a video have the still of the file it came from. */
export function adoptPoster(video: string, frame: Frame | undefined): void {
  if (video === "" || !frame) return;
  ready.set(video, frame);
  made.set(video, Promise.resolve(frame));
}

/** The poster, if it is at hand. */
export function readyPoster({ name }: Video): Frame | undefined {
  return ready.get(name);
}
