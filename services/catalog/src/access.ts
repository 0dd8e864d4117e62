import type { Video } from "./video.js";

/** What somebody wants to do with a video: see and play it, or change it. */
export type Action = "WATCH" | "MANAGE";

/**
 * Whether somebody may: the only copy of the rule. With a deleted video nobody may do anything.
 *
 * @param viewer `users/{user}`; undefined for somebody unknown.
 */
export function mayAccess(video: Video, action: Action, viewer: string | undefined): boolean {
  if (video.state === "DELETED") return false;
  if (isOwner(video, viewer)) return true;
  if (action === "MANAGE" || video.state === "UPLOADING") return false;
  switch (video.visibility) {
    case "PUBLIC":
    case "UNLISTED":
      return true;
    case "MEMBERS":
      return viewer !== undefined;
    case "PRIVATE":
      return false;
  }
}

/** Whether somebody may know of a video: who may watch it, and its owner even when it is deleted. */
export function mayKnow(video: Video, viewer: string | undefined): boolean {
  return isOwner(video, viewer) || mayAccess(video, "WATCH", viewer);
}

/** Whether a video is theirs. */
export function isOwner(video: Video, viewer: string | undefined): boolean {
  return video.owner === viewer;
}
