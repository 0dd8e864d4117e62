import { words } from "./words.js";

/** Types of files whose name says more than the browser does. */
const TYPES: Readonly<Record<string, string>> = {
  "3gp": "video/3gpp",
  avi: "video/x-msvideo",
  flv: "video/x-flv",
  m2ts: "video/mp2t",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  mpg: "video/mpeg",
  mts: "video/mp2t",
  mxf: "application/mxf",
  ogv: "video/ogg",
  ts: "video/mp2t",
  vob: "video/mpeg",
  webm: "video/webm",
  wmv: "video/x-ms-wmv",
};

/** What the picker offers. */
export const ACCEPT = ["video/*", ...Object.keys(TYPES).map((extension) => `.${extension}`)].join(",");

interface FileLike {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** What a file is taken for; empty when it is no video. */
export function videoType(file: FileLike): string {
  if (file.type.startsWith("video/")) return file.type;
  const extension = /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? "";
  const known = Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
  return known ?? "";
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
