import { createVideo, deleteVideo, markFailed, markReady, markUploaded } from "../../src/video.js";
import type { Source, Video, VideoDetails, VideoState } from "../../src/video.js";

/** The moment at which a test's videos are made. */
export const CREATED = new Date("2026-01-02T03:04:05.678Z");
/** A moment later. */
export const LATER = new Date(CREATED.getTime() + 60_000);
export const DAY_MS = 24 * 3600_000;

export const SOURCE: Source = {
  object: "sources/a",
  objectEtag: "e1",
  sizeBytes: 5,
  contentType: "video/mp4",
  filename: "a.mp4",
  compositeSha256: Buffer.alloc(32, 1),
};

/** A video, just made. */
export function newVideo(
  given: Partial<VideoDetails> & { id?: string; owner?: string; requestId?: string } = {},
): Video {
  const { id = "a", owner = "users/ann", requestId = id, ...details } = given;
  return createVideo(
    {
      id,
      requestId,
      owner,
      sizeBytes: 7,
      details: { title: "A", description: "", tags: [], visibility: "PRIVATE", ...details },
    },
    CREATED,
  );
}

/** A video that has come as far as a state, on the shortest way. */
export function videoIn(state: VideoState, given: Parameters<typeof newVideo>[0] = {}): Video {
  const made = newVideo(given);
  if (state === "UPLOADING") return made;
  const processing = markUploaded(made, SOURCE, CREATED);
  switch (state) {
    case "PROCESSING":
      return processing;
    case "READY":
      return markReady(processing, CREATED);
    case "FAILED":
      return markFailed(processing, "no picture", CREATED);
    case "DELETED":
      return deleteVideo(processing, DAY_MS, CREATED);
  }
}
