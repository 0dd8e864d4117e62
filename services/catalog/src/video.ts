import { DomainError } from "@reelmesh/mesh/errors.js";

/** Where a video is in its life. */
export type VideoState = "UPLOADING" | "PROCESSING" | "READY" | "FAILED" | "DELETED";

/** Who may see a video. */
export type Visibility = "PUBLIC" | "UNLISTED" | "MEMBERS" | "PRIVATE";

/** The bytes a video was made from. */
export interface Source {
  readonly object: string;
  readonly objectEtag: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly filename: string;
  readonly compositeSha256: Uint8Array;
}

/** What is known of its picture and sound. */
export interface Media {
  /** More than 0. */
  readonly durationMs: number;
  /** In pixels as shown, 0 without a picture. */
  readonly width: number;
  readonly height: number;
}

/** What its owner says of a video. */
export interface VideoDetails {
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly visibility: Visibility;
}

/** A video as it is kept. */
export interface Video extends VideoDetails {
  /** The id, the part of the name after `videos/`. */
  readonly _id: string;
  readonly schema: 1;
  readonly requestId: string;
  readonly owner: string;
  readonly state: VideoState;
  /** The state to go back to when a deletion is taken back. */
  readonly stateBefore?: VideoState;
  readonly playable: boolean;
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly failureReason?: string;
  readonly source?: Source;
  /** Raised whenever a right to see the video is withdrawn. */
  readonly accessEpoch: number;
  /** Counts changes: the etag, and the precondition of every write. */
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly expireTime?: Date;
  /** Who finds the video in lists: its owner, `public`, `members`. Derived from the rest. */
  readonly audience: readonly string[];
  /** Its place among all videos by create time. Derived. */
  readonly createKey: string;
  /** Its place among all videos by update time. Derived. */
  readonly updateKey: string;
}

/** A video without what is derived. */
type Facts = Omit<Video, "audience" | "createKey" | "updateKey">;

/** What a transition may change. */
type Change = Partial<Omit<Facts, "_id" | "schema" | "requestId" | "owner" | "createTime" | "revision" | "updateTime">>;

/** A new video, whose bytes are still to come. */
export function createVideo(
  given: { id: string; requestId: string; owner: string; details: VideoDetails; sizeBytes: number },
  now: Date,
): Video {
  const { id, requestId, owner, details, sizeBytes } = given;
  return derive({
    _id: id,
    schema: 1,
    requestId,
    owner,
    ...details,
    state: "UPLOADING",
    playable: false,
    durationMs: 0,
    sizeBytes,
    width: 0,
    height: 0,
    accessEpoch: 1,
    revision: 1,
    createTime: now,
    updateTime: now,
  });
}

/** Changes what the owner says of it. Withdraws every grant when fewer people may see it than before. */
export function describeVideo(video: Video, details: Partial<VideoDetails>, now: Date): Video {
  if (video.state === "DELETED") throw wrongState(video, "take its deletion back first");
  if (Object.keys(details).length === 0) return video;
  const narrower = details.visibility !== undefined && OPENNESS[details.visibility] < OPENNESS[video.visibility];
  return changed(video, { ...details, ...(narrower ? { accessEpoch: video.accessEpoch + 1 } : {}) }, now);
}

/** UPLOADING -> PROCESSING. */
export function markUploaded(video: Video, source: Source, now: Date): Video {
  if (video.source?.object === source.object && video.source.objectEtag === source.objectEtag) return video;
  if (video.state !== "UPLOADING") throw wrongState(video, "its bytes are in already, or it was deleted");
  return changed(video, { state: "PROCESSING", source, sizeBytes: source.sizeBytes }, now);
}

/** Says that the first segments can be played. */
export function markPlayable(video: Video, media: Media, now: Date): Video {
  const same = video.durationMs === media.durationMs && video.width === media.width && video.height === media.height;
  if (video.playable && same && video.state !== "DELETED") return video;
  if (video.state !== "PROCESSING") throw wrongState(video, "it is not being processed");
  return changed(video, { playable: true, ...media }, now);
}

/** PROCESSING -> READY. */
export function markReady(video: Video, now: Date): Video {
  if (video.state === "READY") return video;
  if (video.state !== "PROCESSING") throw wrongState(video, "it is not being processed");
  return changed(video, { state: "READY" }, now);
}

/** PROCESSING -> FAILED. */
export function markFailed(video: Video, failureReason: string, now: Date): Video {
  if (video.state === "FAILED") return video;
  if (video.state !== "PROCESSING") throw wrongState(video, "it is not being processed");
  return changed(video, { state: "FAILED", failureReason }, now);
}

/** FAILED -> PROCESSING. */
export function retryVideo(video: Video, now: Date): Video {
  if (video.state !== "FAILED") throw wrongState(video, "it has not failed");
  const { failureReason, ...rest } = video;
  return changed(rest, { state: "PROCESSING" }, now);
}

/** Any state -> DELETED, to be purged at `expireTime`. Withdraws every grant. */
export function deleteVideo(video: Video, keepMs: number, now: Date): Video {
  if (video.state === "DELETED") return video;
  // There is nothing to have back of a video whose bytes never arrived.
  const expireTime = new Date(now.getTime() + (video.state === "UPLOADING" ? 0 : keepMs));
  const { state: stateBefore, accessEpoch } = video;
  return changed(video, { state: "DELETED", stateBefore, expireTime, accessEpoch: accessEpoch + 1 }, now);
}

/** DELETED -> the state before. */
export function undeleteVideo(video: Video, now: Date): Video {
  const { expireTime, stateBefore, ...rest } = video;
  if (video.state !== "DELETED" || stateBefore === undefined) throw wrongState(video, "it is not deleted");
  if (isExpired(video, now)) throw notFound(video._id);
  return changed(rest, { state: stateBefore }, now);
}

/** Whether a deleted video can no longer be had back. */
export function isExpired({ expireTime }: Video, now: Date): boolean {
  return expireTime !== undefined && expireTime <= now;
}

/** Says that a video is not there, or not for the one who asks. */
export function notFound(id: string): DomainError {
  return new DomainError("RESOURCE_NOT_FOUND", { resource: `videos/${id}` });
}

/** How many may see it, with the link in hand. */
const OPENNESS: Readonly<Record<Visibility, number>> = { PRIVATE: 0, MEMBERS: 1, UNLISTED: 2, PUBLIC: 2 };

/** Who finds an owner's deleted videos. */
export function deletedAudience(owner: string): string {
  return `deleted ${owner}`;
}

/** A place in the order of time, then id. */
export function timeKey(time: Date, id: string): string {
  return `${time.toISOString()} ${id}`;
}

/** Applies a change: a new revision, and a time that never goes back whatever the clock does. */
function changed(video: Facts, change: Change, now: Date): Video {
  const updateTime = new Date(Math.max(now.getTime(), video.updateTime.getTime() + 1));
  return derive({ ...video, ...change, revision: video.revision + 1, updateTime });
}

function derive(facts: Facts): Video {
  const { _id, createTime, updateTime } = facts;
  return {
    ...facts,
    audience: audienceOf(facts),
    createKey: timeKey(createTime, _id),
    updateKey: timeKey(updateTime, _id),
  };
}

function audienceOf(video: Facts): readonly string[] {
  if (video.state === "DELETED") return [deletedAudience(video.owner)];
  const arrived = video.state !== "UPLOADING";
  if (arrived && video.visibility === "PUBLIC") return [video.owner, "public"];
  if (arrived && video.visibility === "MEMBERS") return [video.owner, "members"];
  return [video.owner];
}

function wrongState(video: Video, problem: string): DomainError {
  return new DomainError("WRONG_STATE", { resource: `videos/${video._id}`, state: video.state, problem });
}
