import type { StoredUpload, Visibility } from "./model.js";
import { idOf } from "./model.js";
import { titleOf } from "./format.js";

/**
 * - waiting: for its turn
 * - interrupted: known to the server, but its file must be chosen again
 * - finishing: all bytes are in, the server is putting them together
 * - rejected: failed, and trying again would not help
 */
export type UploadPhase =
  "waiting" | "uploading" | "paused" | "retrying" | "interrupted" | "finishing" | "done" | "failed" | "rejected";

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

export interface UploadItem {
  /** Of this page alone. */
  readonly key: string;
  /** The part after `uploads/`; empty until the server has named it. */
  readonly uploadId: string;
  /** `videos/{video}`; empty until the server has named it. */
  readonly video: string;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly title: string;
  readonly visibility: Visibility;
  /** What the server has of title and visibility. */
  readonly saved: { readonly title: string; readonly visibility: Visibility };
  readonly phase: UploadPhase;
  /** Acknowledged by the server. */
  readonly ackedBytes: number;
  /** Handed to the network; at least `ackedBytes`. */
  readonly sentBytes: number;
  readonly samples: readonly Sample[];
  /** A sentence: what went wrong and what to do, or why it cannot be watched. */
  readonly note: string;
}

export type UploadEvent =
  | { readonly type: "added"; readonly items: readonly UploadItem[] }
  | { readonly type: "named"; readonly key: string; readonly uploadId: string; readonly video: string }
  | { readonly type: "phase"; readonly key: string; readonly phase: UploadPhase; readonly note?: string }
  | { readonly type: "sent"; readonly key: string; readonly bytes: number; readonly atMs: number }
  | { readonly type: "acked"; readonly key: string; readonly bytes: number }
  | { readonly type: "edited"; readonly key: string; readonly title?: string; readonly visibility?: Visibility }
  | { readonly type: "saved"; readonly key: string; readonly title: string; readonly visibility: Visibility }
  | { readonly type: "removed"; readonly key: string }
  | { readonly type: "listed"; readonly stored: readonly StoredUpload[] };

/** Speeds are measured over this long. */
const WINDOW_MS = 8_000;

export function newUpload(
  key: string,
  file: { readonly name: string; readonly size: number },
  visibility: Visibility,
): UploadItem {
  const title = titleOf(file.name);
  return {
    key,
    uploadId: "",
    video: "",
    filename: file.name,
    sizeBytes: file.size,
    title,
    visibility,
    saved: { title, visibility },
    phase: "waiting",
    ackedBytes: 0,
    sentBytes: 0,
    samples: [],
    note: "",
  };
}

function interruptedUpload(stored: StoredUpload): UploadItem {
  return {
    ...newUpload(stored.name, { name: stored.filename, size: stored.sizeBytes }, "PRIVATE"),
    uploadId: idOf(stored.name),
    video: stored.video,
    phase: stored.state === "RECEIVING" ? "interrupted" : "finishing",
    ackedBytes: stored.offsetBytes,
    sentBytes: stored.offsetBytes,
  };
}

function withSent(item: UploadItem, bytes: number, atMs: number): UploadItem {
  const restarted = bytes < item.sentBytes;
  const recent = restarted ? [] : item.samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS);
  return { ...item, sentBytes: Math.max(bytes, item.ackedBytes), samples: [...recent, { atMs, bytes }] };
}

/** Whether the server alone knows how it stands. */
export function isPassive({ key, phase, uploadId }: UploadItem): boolean {
  return phase === "interrupted" || (phase === "finishing" && key === `uploads/${uploadId}`);
}

/** Keeps what this page is doing, takes over what the server knows besides, and drops what it knows no more. */
function withListed(items: readonly UploadItem[], stored: readonly StoredUpload[]): readonly UploadItem[] {
  const open = new Map(stored.filter(({ state }) => state !== "FINISHED").map((entry) => [idOf(entry.name), entry]));
  const kept = items.flatMap((item) => {
    const entry = open.get(item.uploadId);
    open.delete(item.uploadId);
    if (!isPassive(item)) return [entry && item.video === "" ? { ...item, video: entry.video } : item];
    return entry
      ? [{ ...interruptedUpload(entry), title: item.title, visibility: item.visibility, saved: item.saved }]
      : [];
  });
  return [...kept, ...[...open.values()].map(interruptedUpload)];
}

function changed(item: UploadItem, event: Exclude<UploadEvent, { type: "added" | "removed" | "listed" }>): UploadItem {
  switch (event.type) {
    case "named": {
      const restarted = item.uploadId !== "" && item.uploadId !== event.uploadId;
      const named = { ...item, uploadId: event.uploadId, video: event.video || (restarted ? "" : item.video) };
      return restarted ? { ...named, ackedBytes: 0, sentBytes: 0, samples: [] } : named;
    }
    case "phase":
      return {
        ...item,
        phase: event.phase,
        note: event.note ?? "",
        samples: event.phase === item.phase ? item.samples : [],
      };
    case "sent":
      return withSent(item, event.bytes, event.atMs);
    case "acked":
      return { ...item, ackedBytes: event.bytes, sentBytes: Math.max(event.bytes, item.sentBytes) };
    case "edited":
      return { ...item, title: event.title ?? item.title, visibility: event.visibility ?? item.visibility };
    case "saved":
      return { ...item, saved: { title: event.title, visibility: event.visibility } };
  }
}

export function reduceUploads(items: readonly UploadItem[], event: UploadEvent): readonly UploadItem[] {
  switch (event.type) {
    case "added":
      return [...event.items, ...items];
    case "removed":
      return items.filter((item) => item.key !== event.key);
    case "listed":
      return withListed(items, event.stored);
    case "named": {
      // The list may have brought it before its own answer did.
      const twin = `uploads/${event.uploadId}`;
      return items.flatMap((item) =>
        item.key === event.key ? [changed(item, event)] : item.key === twin ? [] : [item],
      );
    }
    default:
      return items.map((item) => (item.key === event.key ? changed(item, event) : item));
  }
}

/** Bytes a second over the last seconds; 0 until that can be said. */
export function speedOf({ samples }: UploadItem): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs - first.atMs < 500) return 0;
  return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
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

/** Whether closing the page would interrupt it. */
export function isActive({ phase }: UploadItem): boolean {
  return phase === "waiting" || phase === "uploading" || phase === "retrying";
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
