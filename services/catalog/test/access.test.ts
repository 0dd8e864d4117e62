import { describe, expect, test } from "@jest/globals";
import { mayAccess, mayKnow, type Action } from "../src/access.js";
import type { VideoState, Visibility } from "../src/video.js";
import { videoIn } from "./support/videos.js";

const VIEWERS = { owner: "users/ann", member: "users/bob", stranger: undefined } as const;
type Viewer = keyof typeof VIEWERS;

/** Who besides the owner may watch a video whose bytes are in. */
const WATCHERS: Readonly<Record<Visibility, readonly Viewer[]>> = {
  PUBLIC: ["owner", "member", "stranger"],
  UNLISTED: ["owner", "member", "stranger"],
  MEMBERS: ["owner", "member"],
  PRIVATE: ["owner"],
};
const VISIBILITIES: readonly Visibility[] = ["PUBLIC", "UNLISTED", "MEMBERS", "PRIVATE"];
const STATES: readonly VideoState[] = ["UPLOADING", "PROCESSING", "READY", "FAILED", "DELETED"];
const WHO: readonly Viewer[] = ["owner", "member", "stranger"];
const ACTIONS: readonly Action[] = ["WATCH", "MANAGE"];

function expected(visibility: Visibility, state: VideoState, viewer: Viewer, action: Action): boolean {
  if (state === "DELETED") return false;
  if (action === "MANAGE" || state === "UPLOADING") return viewer === "owner";
  return WATCHERS[visibility].includes(viewer);
}

const matrix = VISIBILITIES.flatMap((visibility) =>
  STATES.flatMap((state) =>
    WHO.flatMap((viewer) =>
      ACTIONS.map((action) => ({
        visibility,
        state,
        viewer,
        action,
        allowed: expected(visibility, state, viewer, action),
      })),
    ),
  ),
);

test.each(matrix)("$action of a $visibility $state video by its $viewer: $allowed", (row) => {
  const video = videoIn(row.state, { visibility: row.visibility });
  expect(mayAccess(video, row.action, VIEWERS[row.viewer])).toBe(row.allowed);
});

describe("knowing of a video", () => {
  test("its owner does, also when it is deleted", () => {
    expect(mayKnow(videoIn("DELETED"), "users/ann")).toBe(true);
    expect(mayKnow(videoIn("DELETED", { visibility: "PUBLIC" }), "users/bob")).toBe(false);
    expect(mayKnow(videoIn("DELETED", { visibility: "PUBLIC" }), undefined)).toBe(false);
  });

  test.each(matrix.filter(({ action, viewer }) => action === "WATCH" && viewer !== "owner"))(
    "the $viewer of a $visibility $state video does: $allowed",
    ({ visibility, state, viewer, allowed }) => {
      expect(mayKnow(videoIn(state, { visibility }), VIEWERS[viewer])).toBe(allowed);
    },
  );
});
