/** What a browser may show in place. Everything else, text/html and SVG above all, is for downloading. */
const SHOWN =
  /^(?:video\/(?:mp4|webm|ogg|quicktime|x-m4v|x-matroska|mp2t)|audio\/(?:mpeg|mp4|aac|ogg|wav|webm|flac)|image\/(?:jpeg|png|webp|avif|gif))$/;

/** The headers that say what a medium is, whatever its uploader called it. */
export function typeHeaders(contentType: string, filename: string): Record<string, string> {
  if (SHOWN.test(contentType)) return { "content-type": contentType };
  return { "content-type": "application/octet-stream", "content-disposition": attachment(filename) };
}

/** A Content-Disposition (RFC 6266) that names the file, in any script (RFC 8187). */
function attachment(filename: string): string {
  const name = filename.replace(/[/\\\p{Cc}\p{Cs}]/gu, "_") || "video";
  const ascii = name.replace(/[^\x20-\x7e]|["%]/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
