import { idOf, type Video } from "./model.js";
import { words } from "./words.js";

/** Who uses this page. There is one person until there are accounts. */
const ME = "users/local";

export function isMine(video: Video): boolean {
  return video.owner === ME;
}

export function ownerName(video: Video): string {
  return isMine(video) ? words.watch.you : idOf(video.owner);
}
