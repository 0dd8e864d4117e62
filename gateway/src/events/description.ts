import type { JsonObject } from "@bufbuild/protobuf";
import { MOST_VIDEOS } from "./events.js";

export const EVENTS_PATH = "/api/v1/events";

/** What OpenAPI says of the event stream, which no contract describes. */
export const EVENTS_DESCRIPTION: JsonObject = {
  get: {
    operationId: "Events_Listen",
    tags: ["Events"],
    summary: "Tells of changes as they happen",
    description: [
      "A stream of server-sent events. `video`: a video as it is now, as `GET /api/v1/videos/{video}` answers it.",
      "`gone`: one that was told of before and that the caller may no longer see, by its `name`.",
      "Comments keep the connection alive. Nothing is said of what the caller may not see.",
      "Changes may be told late, together or twice, and none is told again: read what you show whenever the stream",
      "begins, also when it begins again. It ends now and then, and where an edge stops.",
    ].join("\n"),
    parameters: [
      {
        name: "videos",
        in: "query",
        description: "Only these, by id, and at once how they are. Absent: all that the caller finds in the library.",
        style: "form",
        explode: false,
        schema: { type: "array", items: { type: "string" }, minItems: 1, maxItems: MOST_VIDEOS },
      },
    ],
    responses: {
      "200": { description: "The stream.", content: { "text/event-stream": { schema: { type: "string" } } } },
      default: { $ref: "#/components/responses/Problem" },
    },
  },
};
