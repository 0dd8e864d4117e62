import { describe, expect, test } from "@jest/globals";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import fc from "fast-check";
import {
  deleteVideo,
  describeVideo,
  isExpired,
  markFailed,
  markPlayable,
  markReady,
  markUploaded,
  retryVideo,
  undeleteVideo,
  type Video,
  type VideoState,
  type Visibility,
} from "../src/video.js";
import { CREATED, DAY_MS, LATER, newVideo, SOURCE, videoIn } from "./support/videos.js";

const STATES: readonly VideoState[] = ["UPLOADING", "PROCESSING", "READY", "FAILED", "DELETED"];
const MEDIA = { durationMs: 5312, width: 1280, height: 720 };

/** Every transition, from a video as it is at a moment. */
const TRANSITIONS = {
  markUploaded: (video: Video, now: Date) => markUploaded(video, { ...SOURCE, objectEtag: "e2" }, now),
  markUploadedAgain: (video: Video, now: Date) => markUploaded(video, SOURCE, now),
  markPlayable: (video: Video, now: Date) => markPlayable(video, MEDIA, now),
  markReady,
  markFailed: (video: Video, now: Date) => markFailed(video, "broken", now),
  retryVideo,
  describeVideo: (video: Video, now: Date) => describeVideo(video, { title: "B" }, now),
  deleteVideo: (video: Video, now: Date) => deleteVideo(video, DAY_MS, now),
  undeleteVideo,
} satisfies Record<string, (video: Video, now: Date) => Video>;
type Transition = keyof typeof TRANSITIONS;

/** The state a transition leads to; `same` when it changes nothing; else it is refused for this reason. */
const OUTCOMES: Readonly<Record<Transition, Readonly<Record<VideoState, VideoState | "same" | "refused">>>> = {
  markUploaded: {
    UPLOADING: "PROCESSING",
    PROCESSING: "refused",
    READY: "refused",
    FAILED: "refused",
    DELETED: "refused",
  },
  markUploadedAgain: { UPLOADING: "PROCESSING", PROCESSING: "same", READY: "same", FAILED: "same", DELETED: "same" },
  markPlayable: {
    UPLOADING: "refused",
    PROCESSING: "PROCESSING",
    READY: "refused",
    FAILED: "refused",
    DELETED: "refused",
  },
  markReady: { UPLOADING: "refused", PROCESSING: "READY", READY: "same", FAILED: "refused", DELETED: "refused" },
  markFailed: { UPLOADING: "refused", PROCESSING: "FAILED", READY: "refused", FAILED: "same", DELETED: "refused" },
  retryVideo: {
    UPLOADING: "refused",
    PROCESSING: "refused",
    READY: "refused",
    FAILED: "PROCESSING",
    DELETED: "refused",
  },
  describeVideo: {
    UPLOADING: "UPLOADING",
    PROCESSING: "PROCESSING",
    READY: "READY",
    FAILED: "FAILED",
    DELETED: "refused",
  },
  deleteVideo: { UPLOADING: "DELETED", PROCESSING: "DELETED", READY: "DELETED", FAILED: "DELETED", DELETED: "same" },
  undeleteVideo: {
    UPLOADING: "refused",
    PROCESSING: "refused",
    READY: "refused",
    FAILED: "refused",
    DELETED: "PROCESSING",
  },
};

const names = Object.keys(TRANSITIONS).filter((name): name is Transition => name in OUTCOMES);
const cases = names.flatMap((name) => STATES.map((state) => ({ name, state, outcome: OUTCOMES[name][state] })));

describe("every transition from every state", () => {
  test.each(cases)("$name from $state: $outcome", ({ name, state, outcome }) => {
    const video = videoIn(state);
    const apply = () => TRANSITIONS[name](video, LATER);
    switch (outcome) {
      case "refused":
        expect(apply).toThrow(expect.objectContaining({ reason: "WRONG_STATE" }));
        break;
      case "same":
        expect(apply()).toBe(video);
        break;
      default:
        expect(apply()).toMatchObject({ state: outcome, revision: video.revision + 1, updateTime: LATER });
    }
  });

  test("a refusal names the video, its state and what is wrong", () => {
    expect(() => markReady(videoIn("UPLOADING"), LATER)).toThrow("videos/a is UPLOADING: it is not being processed.");
  });
});

describe("what a transition changes", () => {
  test("bytes that arrived are the source, and their size is the video's", () => {
    expect(markUploaded(newVideo(), SOURCE, LATER)).toMatchObject({ source: SOURCE, sizeBytes: 5 });
  });

  test("playable: the media is known; the same again changes nothing, also once it is ready", () => {
    const playable = markPlayable(videoIn("PROCESSING"), MEDIA, LATER);
    expect(playable).toMatchObject({ playable: true, ...MEDIA, state: "PROCESSING" });
    expect(markPlayable(playable, { ...MEDIA }, LATER)).toBe(playable);
    const ready = markReady(playable, LATER);
    expect(markPlayable(ready, MEDIA, LATER)).toBe(ready);
    expect(() => markPlayable(ready, { ...MEDIA, width: 1 }, LATER)).toThrow("it is not being processed");
    expect(() => markPlayable(deleteVideo(playable, DAY_MS, LATER), MEDIA, LATER)).toThrow("it is not being processed");
  });

  test("playable again with other media while it is processed takes the other", () => {
    const playable = markPlayable(videoIn("PROCESSING"), MEDIA, LATER);
    expect(markPlayable(playable, { ...MEDIA, width: 640 }, LATER)).toMatchObject({ width: 640 });
  });

  test("a retry forgets why it failed", () => {
    const failed = videoIn("FAILED");
    expect(failed.failureReason).toBe("no picture");
    expect(retryVideo(failed, LATER)).not.toHaveProperty("failureReason");
  });

  test("no words at all change nothing", () => {
    const video = videoIn("READY");
    expect(describeVideo(video, {}, LATER)).toBe(video);
  });
});

describe("deletion", () => {
  const back = STATES.filter((state) => state !== "DELETED" && state !== "UPLOADING");

  test.each(back)("of a %s video can be taken back, to the state it had", (state) => {
    const video = videoIn(state);
    const deleted = deleteVideo(video, DAY_MS, LATER);
    expect(deleted.expireTime).toEqual(new Date(LATER.getTime() + DAY_MS));
    const lastMoment = new Date(LATER.getTime() + DAY_MS - 1);
    expect(isExpired(deleted, lastMoment)).toBe(false);
    const restored = undeleteVideo(deleted, lastMoment);
    expect(restored).toMatchObject({ state, audience: video.audience });
    expect(restored).not.toHaveProperty("expireTime");
    expect(restored).not.toHaveProperty("stateBefore");
  });

  test.each(back)("of a %s video cannot be taken back when its time is up", (state) => {
    const deleted = deleteVideo(videoIn(state), DAY_MS, LATER);
    const expired = new Date(LATER.getTime() + DAY_MS);
    expect(isExpired(deleted, expired)).toBe(true);
    expect(() => undeleteVideo(deleted, expired)).toThrow(expect.objectContaining({ reason: "RESOURCE_NOT_FOUND" }));
  });

  test("of a video whose bytes never arrived is for good", () => {
    const deleted = deleteVideo(newVideo(), DAY_MS, LATER);
    expect(deleted.expireTime).toEqual(LATER);
    expect(() => undeleteVideo(deleted, LATER)).toThrow(expect.objectContaining({ reason: "RESOURCE_NOT_FOUND" }));
  });
});

describe("the access epoch", () => {
  const openness: Readonly<Record<Visibility, number>> = { PRIVATE: 0, MEMBERS: 1, UNLISTED: 2, PUBLIC: 2 };
  const all: readonly Visibility[] = ["PUBLIC", "UNLISTED", "MEMBERS", "PRIVATE"];
  const pairs = all.flatMap((from) => all.map((to) => ({ from, to, raised: openness[to] < openness[from] })));

  test.each(pairs)("from $from to $to is raised: $raised", ({ from, to, raised }) => {
    const video = videoIn("READY", { visibility: from });
    const { accessEpoch } = describeVideo(video, { visibility: to }, LATER);
    expect(accessEpoch - video.accessEpoch).toBe(raised ? 1 : 0);
  });

  test.each(cases.filter(({ outcome }) => outcome !== "refused"))(
    "of $name from $state is raised by a deletion alone",
    ({ name, state, outcome }) => {
      const video = videoIn(state);
      const { accessEpoch } = TRANSITIONS[name](video, LATER);
      expect(accessEpoch - video.accessEpoch).toBe(name === "deleteVideo" && outcome === "DELETED" ? 1 : 0);
    },
  );
});

describe("who finds it in lists", () => {
  const expected: Readonly<Record<Visibility, readonly string[]>> = {
    PUBLIC: ["users/ann", "public"],
    MEMBERS: ["users/ann", "members"],
    UNLISTED: ["users/ann"],
    PRIVATE: ["users/ann"],
  };
  const visibilities: readonly Visibility[] = ["PUBLIC", "MEMBERS", "UNLISTED", "PRIVATE"];
  test.each(visibilities)("a %s one: by its state", (visibility) => {
    const audience = (state: VideoState) => videoIn(state, { visibility }).audience;
    expect(audience("UPLOADING")).toEqual(["users/ann"]);
    expect(audience("PROCESSING")).toEqual(expected[visibility]);
    expect(audience("READY")).toEqual(expected[visibility]);
    expect(audience("FAILED")).toEqual(expected[visibility]);
    expect(audience("DELETED")).toEqual(["deleted users/ann"]);
  });

  test("it follows the visibility", () => {
    const video = describeVideo(videoIn("READY"), { visibility: "PUBLIC" }, LATER);
    expect(video.audience).toEqual(["users/ann", "public"]);
  });
});

test("whatever happens in whatever order, by whatever clock: revisions count on, time and the epoch never go back", () => {
  const step = fc.record({ name: fc.constantFrom(...names), skewMs: fc.integer({ min: -DAY_MS, max: DAY_MS }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let video = newVideo();
      for (const { name, skewMs } of steps) {
        const next = tryTransition(name, video, new Date(CREATED.getTime() + skewMs));
        if (next === video) continue;
        expect(next.revision).toBe(video.revision + 1);
        expect(next.updateTime.getTime()).toBeGreaterThan(video.updateTime.getTime());
        expect(next.updateKey > video.updateKey).toBe(true);
        expect(next.accessEpoch).toBeGreaterThanOrEqual(video.accessEpoch);
        expect(next).toMatchObject({ _id: video._id, owner: video.owner, createKey: video.createKey });
        expect(next.expireTime !== undefined).toBe(next.state === "DELETED");
        expect(next.failureReason !== undefined).toBe((next.stateBefore ?? next.state) === "FAILED");
        video = next;
      }
    }),
  );
});

function tryTransition(name: Transition, video: Video, now: Date): Video {
  try {
    return TRANSITIONS[name](video, now);
  } catch (error) {
    if (isDomainError(error, "WRONG_STATE", "RESOURCE_NOT_FOUND")) return video;
    throw error;
  }
}
