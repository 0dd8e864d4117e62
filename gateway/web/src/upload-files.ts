import { videoType } from "./media-types.js";
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

/** What went wrong and what to do. @param detail - the server's own sentence, if it sent one. */
export function uploadError(status: number, detail: string): string {
  const { errors } = words.upload;
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
