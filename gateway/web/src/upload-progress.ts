import type { Sample, UploadItem } from "./upload-state.js";

function rateOf(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs - first.atMs < 500) return 0;
  return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
}

/**
 * Bytes a second over the last seconds: as acknowledged, and until there is enough of that as sent, which runs ahead
 * by what the network holds. 0 until it can be said.
 */
export function speedOf({ acked, sent }: UploadItem): number {
  return rateOf(acked) || rateOf(sent);
}

/** Seconds until the last byte is acknowledged; undefined until that can be said. */
export function secondsLeft(item: UploadItem): number | undefined {
  const speed = speedOf(item);
  return speed > 0 ? (item.sizeBytes - item.ackedBytes) / speed : undefined;
}

/** Whole percent acknowledged; 100 only when all is. */
export function percentOf({
  ackedBytes,
  sizeBytes,
}: {
  readonly ackedBytes: number;
  readonly sizeBytes: number;
}): number {
  return sizeBytes > 0 ? Math.floor((ackedBytes / sizeBytes) * 100) : 0;
}

const BLOCK = 4 * 1024 * 1024;
const LARGEST = 16 * BLOCK;
const AIM_MS = 1_500;

/** The first chunk of an upload: one block of the server's. */
export const FIRST_CHUNK_BYTES = BLOCK;

/**
 * The size of the next chunk, in whole blocks, so that one takes about a second and a half: often enough for progress
 * by acknowledged bytes, seldom enough to cost nothing. Never more than twice the last.
 */
export function nextChunkBytes(lastBytes: number, tookMs: number): number {
  const fitting = (lastBytes * AIM_MS) / Math.max(tookMs, 1);
  const blocks = Math.floor(Math.min(fitting, lastBytes * 2, LARGEST) / BLOCK);
  return Math.max(1, blocks) * BLOCK;
}
