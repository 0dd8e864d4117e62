import { describe, expect, test } from "@jest/globals";
import { withChange, withFirstPage, withNextPage, withoutVideo, withVideo } from "../src/library-state.js";
import { parseVideo, type Video, type VideoPage } from "../src/model.js";

/** A video called by the day of its creation. */
const video = (day: number, title = ""): Video =>
  parseVideo({ name: `videos/${String(day)}`, title, createTime: new Date(Date.UTC(2026, 0, day)).toISOString() });
const page = (days: readonly number[], nextPageToken = ""): VideoPage => ({
  videos: days.map((day) => video(day)),
  nextPageToken,
});
const days = ({ videos }: VideoPage) => videos.map(({ name }) => Number(name.slice(7)));

describe("withFirstPage", () => {
  test("puts what is new in front of what was loaded before", () => {
    const merged = withFirstPage(page([9, 8, 7, 6, 5], "after 5"), page([10, 9, 8], "after 8"));
    expect(days(merged)).toEqual([10, 9, 8, 7, 6, 5]);
    expect(merged.nextPageToken).toBe("after 5");
  });

  test("drops what vanished from the part it covers", () => {
    expect(days(withFirstPage(page([9, 8, 7, 6], "t"), page([9, 7], "after 7")))).toEqual([9, 7, 6]);
  });

  test("starts over when the two do not meet, and when the fresh page is all there is", () => {
    expect(withFirstPage(page([3, 2], "t"), page([9, 8], "after 8"))).toEqual(page([9, 8], "after 8"));
    expect(withFirstPage(page([3, 2, 1], "t"), page([3, 2]))).toEqual(page([3, 2]));
  });
});

test("what moved between two pages appears once", () => {
  expect(days(withNextPage(page([5, 4], "t"), page([4, 3], "u")))).toEqual([5, 4, 3]);
});

test("a video takes its place by time, and that of its older self", () => {
  expect(days(withVideo(page([9, 7]), video(8)))).toEqual([9, 8, 7]);
  expect(days(withVideo(page([9, 7]), video(1)))).toEqual([9, 7, 1]);
  const renamed = withVideo(page([9, 7]), video(7, "new title"));
  expect(renamed.videos.map(({ title }) => title)).toEqual(["", "new title"]);
  expect(days(withoutVideo(page([9, 7]), "videos/9"))).toEqual([7]);
});

describe("a change that was told", () => {
  const told = (day: number, more: Readonly<Record<string, string>>): Video =>
    parseVideo({ ...video(day), updateTime: "2026-02-01T00:00:00Z", ...more });

  test("takes the place of what was known, unless that is newer", () => {
    const before = withVideo(page([9, 7]), told(7, { title: "now" }));
    expect(withChange(before, told(7, { title: "later", updateTime: "2026-02-01T00:00:01Z" })).videos[1]?.title).toBe(
      "later",
    );
    expect(withChange(before, told(7, { title: "before", updateTime: "2026-01-31T00:00:00Z" }))).toBe(before);
  });

  test("of a video that is new puts it in its place, unless that is on a page not loaded yet", () => {
    expect(days(withChange(page([9, 7], "after 7"), told(8, {})))).toEqual([9, 8, 7]);
    expect(days(withChange(page([9, 7], "after 7"), told(6, {})))).toEqual([9, 7]);
    expect(days(withChange(page([9, 7]), told(6, {})))).toEqual([9, 7, 6]);
    expect(days(withChange(page([]), told(6, {})))).toEqual([6]);
  });

  test("of a video that was deleted takes it away", () => {
    expect(days(withChange(page([9, 7]), told(7, { state: "DELETED" })))).toEqual([9]);
  });
});
