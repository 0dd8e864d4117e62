import type { StoredUpload, Visibility } from "./model.js";
import { idOf } from "./model.js";
import { titleOf } from "./format.js";

/**
 * - waiting: for its turn
 * - interrupted: known to the server, but its file must be chosen again
 * - elsewhere: another tab carries it
 * - finishing: all bytes are in, the server is putting them together
 * - rejected: failed, and trying again would not help
 */
export type UploadPhase =
  | "waiting"
  | "uploading"
  | "paused"
  | "retrying"
  | "interrupted"
  | "elsewhere"
  | "finishing"
  | "done"
  | "failed"
  | "rejected";

/** How many bytes there were, and when. */
export interface Sample {
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
  /** Of `sentBytes`, and of `ackedBytes`, over the last seconds of sending. */
  readonly sent: readonly Sample[];
  readonly acked: readonly Sample[];
  /** A sentence: what went wrong and what to do, or why it cannot be watched. */
  readonly note: string;
}

export type UploadEvent =
  | { readonly type: "added"; readonly items: readonly UploadItem[] }
  | { readonly type: "named"; readonly key: string; readonly uploadId: string; readonly video: string }
  | { readonly type: "phase"; readonly key: string; readonly phase: UploadPhase; readonly note?: string }
  | { readonly type: "sent"; readonly key: string; readonly bytes: number; readonly atMs: number }
  | { readonly type: "acked"; readonly key: string; readonly bytes: number; readonly atMs: number }
  | { readonly type: "edited"; readonly key: string; readonly title?: string; readonly visibility?: Visibility }
  | { readonly type: "saved"; readonly key: string; readonly title: string; readonly visibility: Visibility }
  | { readonly type: "removed"; readonly key: string }
  | {
      readonly type: "listed";
      readonly stored: readonly StoredUpload[];
      /** Ids of those that some tab carries. */
      readonly carried: ReadonlySet<string>;
    };

/** Speeds are measured over this long, from values at least a step apart. */
const WINDOW_MS = 12_000;
const STEP_MS = 250;

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
    sent: [],
    acked: [],
    note: "",
  };
}

type Listed = Extract<UploadEvent, { type: "listed" }>;

function storedUpload(stored: StoredUpload, carried: ReadonlySet<string>): UploadItem {
  const receiving = carried.has(idOf(stored.name)) ? "elsewhere" : "interrupted";
  return {
    ...newUpload(stored.name, { name: stored.filename, size: stored.sizeBytes }, "PRIVATE"),
    uploadId: idOf(stored.name),
    video: stored.video,
    phase: stored.state === "RECEIVING" ? receiving : "finishing",
    ackedBytes: stored.offsetBytes,
    sentBytes: stored.offsetBytes,
  };
}

function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const recent = samples.filter(({ atMs }) => sample.atMs - atMs <= WINDOW_MS);
  return sample.atMs - (recent.at(-1)?.atMs ?? -Infinity) < STEP_MS ? recent : [...recent, sample];
}

function withSent(item: UploadItem, bytes: number, atMs: number): UploadItem {
  // Going back means that the network lost what it had been handed.
  const before = bytes < item.sentBytes ? [] : item.sent;
  return { ...item, sentBytes: Math.max(bytes, item.ackedBytes), sent: withSample(before, { atMs, bytes }) };
}

/** Whether this page only shows what the server and other tabs do. */
export function isPassive({ key, phase, uploadId }: UploadItem): boolean {
  return phase === "interrupted" || phase === "elsewhere" || (phase === "finishing" && key === `uploads/${uploadId}`);
}

/** Keeps what this page is doing, takes over what the server knows besides, and drops what it knows no more. */
function withListed(items: readonly UploadItem[], { stored, carried }: Listed): readonly UploadItem[] {
  const open = new Map(stored.filter(({ state }) => state !== "FINISHED").map((entry) => [idOf(entry.name), entry]));
  const kept = items.flatMap((item) => {
    const entry = open.get(item.uploadId);
    open.delete(item.uploadId);
    if (!isPassive(item)) return [entry && item.video === "" ? { ...item, video: entry.video } : item];
    const { title, visibility, saved } = item;
    return entry ? [{ ...storedUpload(entry, carried), title, visibility, saved }] : [];
  });
  return [...kept, ...Array.from(open.values(), (entry) => storedUpload(entry, carried))];
}

function named(item: UploadItem, uploadId: string, video: string): UploadItem {
  const again = item.uploadId !== "" && item.uploadId !== uploadId;
  const next = { ...item, uploadId, video: video || (again ? "" : item.video) };
  return again ? { ...next, ackedBytes: 0, sentBytes: 0, sent: [], acked: [] } : next;
}

function changed(item: UploadItem, event: Exclude<UploadEvent, Listed | { type: "added" | "removed" }>): UploadItem {
  switch (event.type) {
    case "named":
      return named(item, event.uploadId, event.video);
    case "phase": {
      const kept = event.phase === item.phase ? {} : { sent: [], acked: [] };
      return { ...item, ...kept, phase: event.phase, note: event.note ?? "" };
    }
    case "sent":
      return withSent(item, event.bytes, event.atMs);
    case "acked": {
      const acked = withSample(item.acked, event);
      return { ...item, ackedBytes: event.bytes, sentBytes: Math.max(event.bytes, item.sentBytes), acked };
    }
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
      return withListed(items, event);
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

/** Whether closing the page would interrupt it. */
export function isActive({ phase }: UploadItem): boolean {
  return phase === "waiting" || phase === "uploading" || phase === "retrying";
}
