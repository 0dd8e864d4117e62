import type { Video, VideoPage } from "./model.js";

/**
 * Puts a fresh first page in front of what was loaded before.
 *
 * What the fresh page covers is replaced by it, so that changed and vanished videos do not linger; older videos, and
 * the token that asks for more of them, stay.
 */
export function withFirstPage(before: VideoPage, fresh: VideoPage): VideoPage {
  const oldest = fresh.videos.at(-1);
  const meets = before.videos.findIndex(({ name }) => name === oldest?.name);
  if (fresh.nextPageToken === "" || meets === -1 || before.videos.length <= fresh.videos.length) return fresh;
  const names = new Set(fresh.videos.map(({ name }) => name));
  const older = before.videos.slice(meets + 1).filter(({ name }) => !names.has(name));
  return { videos: [...fresh.videos, ...older], nextPageToken: before.nextPageToken };
}

/** Appends the next page; what moved between the pages appears once. */
export function withNextPage(before: VideoPage, next: VideoPage): VideoPage {
  const names = new Set(before.videos.map(({ name }) => name));
  return {
    videos: [...before.videos, ...next.videos.filter(({ name }) => !names.has(name))],
    nextPageToken: next.nextPageToken,
  };
}

/** Puts a video where its time of creation belongs, newest first, in place of its older self. */
export function withVideo(before: VideoPage, video: Video): VideoPage {
  const others = before.videos.filter(({ name }) => name !== video.name);
  const at = others.findIndex(({ createTime }) => Date.parse(createTime) < Date.parse(video.createTime));
  const index = at === -1 ? others.length : at;
  return { ...before, videos: [...others.slice(0, index), video, ...others.slice(index)] };
}

/**
 * Takes over what the server tells of a video that belongs in the list, unless something newer is known. One that is
 * older than all that was loaded comes with its page.
 */
export function withChange(before: VideoPage, video: Video): VideoPage {
  if (video.state === "DELETED") return withoutVideo(before, video.name);
  const known = before.videos.find(({ name }) => name === video.name);
  if (known) return Date.parse(known.updateTime) > Date.parse(video.updateTime) ? before : withVideo(before, video);
  const after = withVideo(before, video);
  return before.nextPageToken !== "" && after.videos.at(-1) === video ? before : after;
}

export function withoutVideo(before: VideoPage, gone: string): VideoPage {
  return { ...before, videos: before.videos.filter(({ name }) => name !== gone) };
}

/** Videos on their way are shown as uploads instead. */
export function isShown({ state }: Video): boolean {
  return state !== "UPLOADING" && state !== "DELETED";
}
