import type { Video } from "./video.js";

/** What somebody wants to do with a video: see and play it, or change it. */
export type Action = "WATCH" | "MANAGE";

/**
 * Whether somebody may: the only copy of the rule.
 *
 * @param viewer `users/{user}`; undefined for somebody unknown.
 */
export function mayAccess(video: Video, action: Action, viewer: string | undefined): boolean {
  if (viewer !== undefined && viewer === video.owner) return true;
  if (action === "MANAGE" || video.state === "DELETED" || video.state === "UPLOADING") return false;
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
