import {
  Video as VideoMessage,
  Video_State,
  Visibility as VisibilityCode,
  type Source as SourceMessage,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { invalidField } from "@reelmesh/mesh/fields.js";
import type { Sparse } from "@reelmesh/mesh/definition.js";
import type { Source, Video, VideoState, Visibility } from "./video.js";

const STATES: Readonly<Record<VideoState, Video_State>> = {
  UPLOADING: Video_State.UPLOADING,
  PROCESSING: Video_State.PROCESSING,
  READY: Video_State.READY,
  FAILED: Video_State.FAILED,
  DELETED: Video_State.DELETED,
};

const VISIBILITIES: Readonly<Record<Visibility, VisibilityCode>> = {
  PUBLIC: VisibilityCode.PUBLIC,
  UNLISTED: VisibilityCode.UNLISTED,
  MEMBERS: VisibilityCode.MEMBERS,
  PRIVATE: VisibilityCode.PRIVATE,
};

/** The etag of a video's current revision. */
export function etagOf(video: Video): string {
  return `r${video.revision.toString(36)}`;
}

/** A video as callers see it. */
export function toMessage(video: Video): VideoMessage {
  return VideoMessage.fromPartial({
    name: `videos/${video._id}`,
    owner: video.owner,
    title: video.title,
    description: video.description,
    tags: [...video.tags],
    visibility: VISIBILITIES[video.visibility],
    state: STATES[video.state],
    playable: video.playable,
    durationMs: BigInt(video.durationMs),
    sizeBytes: BigInt(video.sizeBytes),
    width: video.width,
    height: video.height,
    failureReason: video.failureReason ?? "",
    createTime: video.createTime,
    updateTime: video.updateTime,
    expireTime: video.expireTime,
    etag: etagOf(video),
  });
}

/** A source as services see it. */
export function toSourceMessage(source: Source): Sparse<SourceMessage> {
  return { ...source, sizeBytes: BigInt(source.sizeBytes), compositeSha256: Buffer.from(source.compositeSha256) };
}

/**
 * A visibility that somebody asked for.
 *
 * @throws DomainError INVALID_FIELD when it is none.
 */
export function toVisibility(field: string, code: VisibilityCode): Visibility {
  switch (code) {
    case VisibilityCode.PUBLIC:
      return "PUBLIC";
    case VisibilityCode.UNLISTED:
      return "UNLISTED";
    case VisibilityCode.MEMBERS:
      return "MEMBERS";
    case VisibilityCode.UNSPECIFIED:
    case VisibilityCode.PRIVATE:
      return "PRIVATE";
    case VisibilityCode.UNRECOGNIZED:
      break;
  }
  throw invalidField(field, "must be PUBLIC, UNLISTED, MEMBERS or PRIVATE");
}
