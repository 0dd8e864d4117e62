export type Route =
  | { readonly page: "library" }
  | { readonly page: "watch"; readonly id: string; readonly startSeconds: number }
  | { readonly page: "missing" };

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const CLOCK = /^(?:(?:(\d{1,3})h)?(\d{1,4})m)?(\d{1,6})s?$/;

/** Reads a start time as links write it: `83`, `83s`, `1m23s`, `1h2m3s`. Anything else is 0. */
export function parseStart(value: string | null): number {
  const [, hours = "0", minutes = "0", seconds = "0"] = CLOCK.exec(value ?? "") ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** @param url - a path with its query. */
export function parseRoute(url: string): Route {
  const [path = "", query = ""] = url.split("?", 2);
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.length === 0) return { page: "library" };
  const [first, id = ""] = segments;
  if (first === "watch" && segments.length === 2 && ID.test(id)) {
    return { page: "watch", id, startSeconds: parseStart(new URLSearchParams(query).get("t")) };
  }
  return { page: "missing" };
}

/** The path of a video's page. @param startSeconds - rounded down; 0 is left out. */
export function watchPath(id: string, startSeconds = 0): string {
  const start = Math.floor(startSeconds);
  return `/watch/${encodeURIComponent(id)}${start > 0 ? `?t=${String(start)}` : ""}`;
}
