import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Source } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";

/** The types of sources that browsers play as they are. */
const PLAYED_BY_BROWSERS: ReadonlySet<string> = new Set([
  "video/mp4",
  "video/webm",
  "video/ogg",
  "video/quicktime",
  "video/x-m4v",
  "video/x-matroska",
  "audio/mpeg",
  "audio/mp4",
  "audio/ogg",
  "audio/wav",
  "audio/webm",
  "audio/flac",
]);

/**
 * The source, once it is in: to be fetched, whatever it is.
 *
 * @throws DomainError NOT_PLAYABLE with a sentence for the viewer.
 */
export function arrivedSource(source: Source | undefined): Source {
  if (!source) throw notPlayable("This video is still being uploaded.");
  return source;
}

/**
 * The source, where browsers play it as it is.
 *
 * @throws DomainError NOT_PLAYABLE with a sentence for the viewer.
 */
export function playableSource(given: Source | undefined): Source {
  const source = arrivedSource(given);
  if (source.sizeBytes === 0n) throw notPlayable("This file is empty: there is nothing to play.");
  if (!PLAYED_BY_BROWSERS.has(source.contentType)) throw notPlayable("Browsers cannot play this type of file.");
  return source;
}

function notPlayable(problem: string): DomainError {
  return new DomainError("NOT_PLAYABLE", { problem });
}
