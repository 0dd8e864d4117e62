import { list, number, object, oneOf, text } from "./parse.js";

export const VISIBILITIES = ["PRIVATE", "UNLISTED", "MEMBERS", "PUBLIC"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

const VIDEO_STATES = ["UPLOADING", "PROCESSING", "READY", "FAILED", "DELETED"] as const;
const UPLOAD_STATES = ["RECEIVING", "FINISHING", "FINISHED"] as const;

export interface Video {
  /** `videos/{video}`. */
  readonly name: string;
  readonly owner: string;
  readonly title: string;
  readonly description: string;
  readonly visibility: Visibility;
  readonly state: (typeof VIDEO_STATES)[number];
  /** 0 until it is known, as are width and height. */
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly failureReason: string;
  /** RFC 3339. */
  readonly createTime: string;
  /** RFC 3339. Never goes back. */
  readonly updateTime: string;
  readonly etag: string;
}

export interface VideoPage {
  readonly videos: readonly Video[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** What the server knows of an upload. */
export interface StoredUpload {
  /** `uploads/{upload}`. */
  readonly name: string;
  /** `videos/{video}`. */
  readonly video: string;
  readonly state: (typeof UPLOAD_STATES)[number];
  readonly sizeBytes: number;
  readonly offsetBytes: number;
  readonly filename: string;
  readonly contentType: string;
}

export interface Playback {
  /** A path at the edge. */
  readonly path: string;
  readonly contentType: string;
}

/** The part of a resource name after its collection: `abc` of `videos/abc`. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export function parseVideo(json: unknown): Video {
  const from = object(json);
  return {
    name: text(from, "name"),
    owner: text(from, "owner"),
    title: text(from, "title"),
    description: text(from, "description"),
    visibility: oneOf(from, "visibility", VISIBILITIES, "PRIVATE"),
    state: oneOf(from, "state", VIDEO_STATES, "PROCESSING"),
    durationMs: number(from, "durationMs"),
    sizeBytes: number(from, "sizeBytes"),
    width: number(from, "width"),
    height: number(from, "height"),
    failureReason: text(from, "failureReason"),
    createTime: text(from, "createTime"),
    updateTime: text(from, "updateTime"),
    etag: text(from, "etag"),
  };
}

export function parseVideoPage(json: unknown): VideoPage {
  const from = object(json);
  return { videos: list(from, "videos", parseVideo), nextPageToken: text(from, "nextPageToken") };
}

export function parseUploads(json: unknown): StoredUpload[] {
  return list(object(json), "uploads", (from) => ({
    name: text(from, "name"),
    video: text(from, "video"),
    state: oneOf(from, "state", UPLOAD_STATES, "RECEIVING"),
    sizeBytes: number(from, "sizeBytes"),
    offsetBytes: number(from, "offsetBytes"),
    filename: text(from, "filename"),
    contentType: text(from, "contentType"),
  }));
}

export function parsePlayback(json: unknown): Playback {
  const from = object(json);
  const path = text(from, "path");
  if (!path.startsWith("/media/")) throw new TypeError("The server named no media to play.");
  return { path, contentType: text(from, "contentType") };
}
