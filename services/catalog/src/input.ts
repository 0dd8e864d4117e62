import {
  Action as ActionCode,
  Visibility as VisibilityCode,
  type MarkPlayableRequest,
  type Source as SourceMessage,
  type Video as VideoMessage,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { invalidField, resourceId, text } from "@reelmesh/mesh/fields.js";
import type { Action } from "./access.js";
import { toVisibility } from "./mapping.js";
import type { Media, Source, VideoDetails } from "./video.js";

const TITLE = { min: 1, max: 200 };
const DESCRIPTION = { min: 0, max: 10_000, lines: true };
const TAG = { min: 1, max: 50 };
const MOST_TAGS = 20;
const MOST_BYTES = 2n ** 43n;

type Field = keyof VideoDetails;
const FIELDS: readonly Field[] = ["title", "description", "tags", "visibility"];

/**
 * What an owner says of a video.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readDetails(video: VideoMessage): VideoDetails {
  return {
    title: text("video.title", video.title, TITLE),
    description: text("video.description", video.description, DESCRIPTION),
    tags: readTags(video.tags),
    visibility: toVisibility("video.visibility", video.visibility),
  };
}

/**
 * Those of an owner's words that a mask names; without a mask, those that are given (AIP-134).
 *
 * @throws DomainError INVALID_FIELD, also for a path that cannot be written.
 */
export function readChange(video: VideoMessage, mask: readonly string[] | undefined): Partial<VideoDetails> {
  const fields = mask === undefined || mask.length === 0 ? givenFields(video) : mask.map(writable);
  const change: { -readonly [F in Field]?: VideoDetails[F] } = {};
  for (const field of fields) {
    switch (field) {
      case "title":
        change.title = text("video.title", video.title, TITLE);
        break;
      case "description":
        change.description = text("video.description", video.description, DESCRIPTION);
        break;
      case "tags":
        change.tags = readTags(video.tags);
        break;
      case "visibility":
        change.visibility = toVisibility("video.visibility", video.visibility);
        break;
    }
  }
  return change;
}

/**
 * A source that the upload service tells of.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readSource(source: SourceMessage | undefined): Source {
  if (!source) throw invalidField("source", "must be given");
  const { compositeSha256 } = source;
  if (compositeSha256.length !== 32) throw invalidField("source.composite_sha256", "must have 32 bytes");
  return {
    object: text("source.object", source.object, { min: 1, max: 1100 }),
    objectEtag: text("source.object_etag", source.objectEtag, { min: 1, max: 200 }),
    sizeBytes: readSize("source.size_bytes", source.sizeBytes),
    contentType: text("source.content_type", source.contentType, { min: 0, max: 127 }),
    filename: text("source.filename", source.filename, { min: 0, max: 255 }),
    compositeSha256,
  };
}

/**
 * What transcoding found out about a video.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readMedia({ durationMs, width, height }: Omit<MarkPlayableRequest, "name">): Media {
  if (durationMs < 1n) throw invalidField("duration_ms", "must be more than 0");
  if (width < 0) throw invalidField("width", "must not be negative");
  if (height < 0) throw invalidField("height", "must not be negative");
  return { durationMs: readSize("duration_ms", durationMs), width, height };
}

/**
 * What somebody wants to do.
 *
 * @throws DomainError INVALID_FIELD when it is not said.
 */
export function readAction(code: ActionCode): Action {
  switch (code) {
    case ActionCode.WATCH:
      return "WATCH";
    case ActionCode.MANAGE:
      return "MANAGE";
    case ActionCode.UNSPECIFIED:
    case ActionCode.UNRECOGNIZED:
      break;
  }
  throw invalidField("action", "must be WATCH or MANAGE");
}

/**
 * Whose access is asked about: `users/{user}`, or undefined for somebody unknown.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readViewer(viewer: string): string | undefined {
  return viewer === "" ? undefined : `users/${resourceId("viewer", viewer, "users/*")}`;
}

/** @throws DomainError INVALID_FIELD when it is negative or beyond 2^43, for a size 8 TiB. */
export function readSize(field: string, bytes: bigint): number {
  if (bytes < 0n || bytes > MOST_BYTES) throw invalidField(field, `must be from 0 to ${MOST_BYTES}`);
  return Number(bytes);
}

function readTags(tags: readonly string[]): readonly string[] {
  if (tags.length > MOST_TAGS)
    throw invalidField("video.tags", `has ${tags.length} tags, at most ${MOST_TAGS} are allowed`);
  return [...new Set(tags.map((tag, index) => text(`video.tags[${index}]`, tag, TAG)))];
}

function givenFields(video: VideoMessage): readonly Field[] {
  const given: Readonly<Record<Field, boolean>> = {
    title: video.title !== "",
    description: video.description !== "",
    tags: video.tags.length > 0,
    visibility: video.visibility !== VisibilityCode.UNSPECIFIED,
  };
  return FIELDS.filter((field) => given[field]);
}

function writable(path: string): Field {
  const field = FIELDS.find((candidate) => candidate === path);
  if (field === undefined)
    throw invalidField("update_mask", `${JSON.stringify(path)} is not one of ${FIELDS.join(", ")}`);
  return field;
}
