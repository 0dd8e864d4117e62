import { invalidField } from "@reelmesh/mesh/fields.js";
import { EdgeError } from "../problem.js";
import type { PrincipalOf } from "../scope.js";
import type { EdgeHandler } from "../server.js";
import { EVENT_STREAM_HEADERS } from "./event-stream.js";
import type { EventStreams } from "./event-streams.js";

/** How many videos a page may name. */
export const MOST_VIDEOS = 50;

/** Serves `/api/v1/events`: tells a page of changes for as long as it listens. */
export function createEventsHandler(streams: EventStreams, principalOf: PrincipalOf): EdgeHandler {
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET, HEAD" });
    const videos = readVideos((request.url ?? "").split("?")[1] ?? "");
    const caller = await principalOf(request);
    if (request.method === "HEAD") response.writeHead(200, EVENT_STREAM_HEADERS).end();
    else streams.open(response, caller, videos);
  };
}

/**
 * The names of the videos that a query asks for by their ids, `videos=a,b`; undefined when it names none.
 *
 * @throws DomainError INVALID_FIELD
 */
export function readVideos(query: string): ReadonlySet<string> | undefined {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) if (name !== "videos") throw invalidField(name, "is not a parameter here");
  const [given, ...more] = parameters.getAll("videos");
  if (given === undefined) return undefined;
  if (more.length > 0) throw invalidField("videos", "is given more than once");
  const ids = given.split(",");
  if (ids.length > MOST_VIDEOS) throw invalidField("videos", `names ${ids.length} videos, at most ${MOST_VIDEOS}`);
  if (ids.some((id) => !/^[A-Za-z0-9]{1,64}$/.test(id)))
    throw invalidField("videos", "has to be ids of videos with commas between them");
  return new Set(ids.map((id) => `videos/${id}`));
}
