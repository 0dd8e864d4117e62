/** Types of files whose name says more than the browser does; the first of a type names downloads. */
const TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  m4v: "video/mp4",
  webm: "video/webm",
  mov: "video/quicktime",
  mkv: "video/x-matroska",
  avi: "video/x-msvideo",
  ts: "video/mp2t",
  mts: "video/mp2t",
  m2ts: "video/mp2t",
  mpg: "video/mpeg",
  mpeg: "video/mpeg",
  vob: "video/mpeg",
  ogv: "video/ogg",
  "3gp": "video/3gpp",
  flv: "video/x-flv",
  wmv: "video/x-ms-wmv",
  mxf: "application/mxf",
};

/** What the picker offers. */
export const ACCEPT = ["video/*", ...Object.keys(TYPES).map((extension) => `.${extension}`)].join(",");

/** What a file is taken for; empty when it is no video. */
export function videoType({ name, type }: { readonly name: string; readonly type: string }): string {
  if (type.startsWith("video/")) return type;
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const known = Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
  return known ?? "";
}

/** What a video is called as a file. */
export function downloadName(title: string, contentType: string): string {
  const extension = Object.keys(TYPES).find((key) => TYPES[key] === contentType);
  return extension === undefined ? title : `${title}.${extension}`;
}
