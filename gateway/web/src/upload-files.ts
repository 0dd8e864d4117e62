import { formatBytes } from "./format.js";
import { videoType } from "./media-types.js";
import type { Problem } from "./problem.js";
import { words } from "./words.js";

interface FileLike {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** Why a file is not even tried; empty when it is. */
export function refusal(file: FileLike): string {
  if (videoType(file) === "") return words.upload.refused.type;
  return file.size === 0 ? words.upload.refused.empty : "";
}

/** The same file as an unfinished upload's, as far as can be told without reading it. */
export function isSameFile(file: FileLike, upload: { readonly filename: string; readonly sizeBytes: number }): boolean {
  return file.name === upload.filename && file.size === upload.sizeBytes;
}

/** What went wrong with a file of `sizeBytes`, and what to do. */
export function uploadError({ status, detail, limitBytes }: Problem, sizeBytes: number): string {
  const { errors } = words.upload;
  if (limitBytes > 0) return errors.beyondLimit(formatBytes(sizeBytes), formatBytes(limitBytes));
  switch (status) {
    case 0:
      return errors.unreachable;
    case 401:
    case 403:
      return detail || errors.denied;
    case 404:
    case 410:
      return errors.gone;
    case 413:
      return detail || errors.tooLarge;
    case 429:
    case 507:
      return detail || errors.full;
    default:
      return detail || errors.unknown;
  }
}

/** Whether asking again can help without anybody doing something about it. */
export function isPassing(status: number): boolean {
  return status === 0 || status === 409 || status === 423 || (status >= 500 && status !== 501 && status !== 507);
}
