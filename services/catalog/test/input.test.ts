import { describe, expect, test } from "@jest/globals";
import { Environment } from "@reelmesh/mesh/environment.js";
import {
  Action,
  Source as SourceMessage,
  Video as VideoMessage,
  Visibility,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import fc from "fast-check";
import { readConfig } from "../src/config.js";
import { readAction, readChange, readDetails, readMedia, readSize, readSource, readViewer } from "../src/input.js";
import { etagOf, toMessage } from "../src/mapping.js";
import { describeVideo } from "../src/video.js";
import { LATER, videoIn } from "./support/videos.js";

const given = (fields: Partial<VideoMessage>): VideoMessage => ({ ...VideoMessage.fromPartial({}), ...fields });
const refusal = (field: string) =>
  expect.objectContaining({ reason: "INVALID_FIELD", metadata: expect.objectContaining({ field }) });

describe("what an owner says", () => {
  test("is kept trimmed and composed, tags once each", () => {
    const video = given({
      title: "  Cafe\u0301 ",
      description: "a\n\tb",
      tags: ["x", " x ", "y"],
      visibility: Visibility.MEMBERS,
    });
    expect(readDetails(video)).toEqual({
      title: "Café",
      description: "a\n\tb",
      tags: ["x", "y"],
      visibility: "MEMBERS",
    });
  });

  test("without a visibility is private", () => {
    expect(readDetails(given({ title: "A" })).visibility).toBe("PRIVATE");
  });

  test.each([
    ["no title", { title: "" }, "video.title"],
    ["a title of blanks", { title: " \n " }, "video.title"],
    ["a title of 201 characters", { title: "a".repeat(201) }, "video.title"],
    ["a title of 10,000 characters", { title: "😀".repeat(10_000) }, "video.title"],
    ["a line break in the title", { title: "a\nb" }, "video.title"],
    ["NUL in the title", { title: "a\0b" }, "video.title"],
    ["a title that turns writing around", { title: "a\u202Eb" }, "video.title"],
    ["a title that was not UTF-8", { title: "a\uFFFD" }, "video.title"],
    ["a long description", { title: "A", description: "a".repeat(10_001) }, "video.description"],
    ["NUL in the description", { title: "A", description: "a\0" }, "video.description"],
    ["21 tags", { title: "A", tags: Array.from({ length: 21 }, (_, tag) => `t${tag}`) }, "video.tags"],
    ["an empty tag", { title: "A", tags: ["a", ""] }, "video.tags[1]"],
    ["a tag of 51 characters", { title: "A", tags: ["a".repeat(51)] }, "video.tags[0]"],
    ["a control character in a tag", { title: "A", tags: ["a\u0007"] }, "video.tags[0]"],
    ["an unknown visibility", { title: "A", visibility: Visibility.UNRECOGNIZED }, "video.visibility"],
  ])("%s is refused", (_, fields, field) => {
    expect(() => readDetails(given(fields))).toThrow(refusal(field));
  });

  test("whatever text is given, it is refused, or kept within the bounds and read the same again", () => {
    const texts = fc.string({ unit: "binary", maxLength: 250 });
    fc.assert(
      fc.property(texts, texts, fc.array(texts, { maxLength: 25 }), (title, description, tags) => {
        let details;
        try {
          details = readDetails(given({ title, description, tags }));
        } catch (error) {
          expect(error).toMatchObject({ reason: "INVALID_FIELD" });
          return;
        }
        expect(Array.from(details.title).length).toBeGreaterThan(0);
        expect(Array.from(details.title).length).toBeLessThanOrEqual(200);
        expect(details.title).not.toMatch(/\p{Cc}/u);
        expect(details.tags.length).toBeLessThanOrEqual(20);
        expect(readDetails(given({ ...details, tags: [...details.tags], visibility: Visibility.PRIVATE }))).toEqual(
          details,
        );
      }),
    );
  });
});

describe("a change", () => {
  const video = given({ title: "B", description: "", tags: ["x"], visibility: Visibility.PUBLIC });

  test.each([
    ["no mask: what is given", undefined, { title: "B", tags: ["x"], visibility: "PUBLIC" }],
    ["an empty mask: what is given", [], { title: "B", tags: ["x"], visibility: "PUBLIC" }],
    ["one path", ["title"], { title: "B" }],
    ["a path whose field is empty", ["description"], { description: "" }],
    ["a path twice", ["tags", "tags"], { tags: ["x"] }],
  ])("%s", (_, mask, change) => {
    expect(readChange(video, mask)).toEqual(change);
  });

  test("a field that the mask does not name may hold anything", () => {
    expect(readChange(given({ title: "\0", description: "d" }), ["description"])).toEqual({ description: "d" });
  });

  test("a named visibility that is not said is PRIVATE", () => {
    expect(readChange(given({}), ["visibility"])).toEqual({ visibility: "PRIVATE" });
  });

  test.each([
    "name",
    "owner",
    "state",
    "playable",
    "duration_ms",
    "etag",
    "source",
    "*",
    "",
    "title.x",
    "Title",
    "__proto__",
  ])("of %j is refused", (path) => {
    expect(() => readChange(video, ["title", path])).toThrow(refusal("update_mask"));
  });

  test("whatever paths are named, only what may be written is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom("title", "tags", "visibility", "description"), fc.string())),
        (mask) => {
          const known = mask.every((path) => ["title", "tags", "visibility", "description"].includes(path));
          if (!known) expect(() => readChange(video, mask)).toThrow(refusal("update_mask"));
          else if (mask.length > 0) expect(new Set(Object.keys(readChange(video, mask)))).toEqual(new Set(mask));
        },
      ),
    );
  });

  test("an empty title by name is refused", () => {
    expect(() => readChange(given({}), ["title"])).toThrow(refusal("video.title"));
  });
});

describe("what services say", () => {
  const source = {
    object: "sources/a",
    objectEtag: "e",
    sizeBytes: 5n,
    contentType: "video/mp4",
    filename: "a.mp4",
    compositeSha256: Buffer.alloc(32),
  };

  test("a source is kept as it is", () => {
    expect(readSource(SourceMessage.fromPartial(source))).toEqual({ ...source, sizeBytes: 5 });
  });

  test.each([
    ["no object", { object: "" }, "source.object"],
    ["no etag", { objectEtag: "" }, "source.object_etag"],
    ["a negative size", { sizeBytes: -1n }, "source.size_bytes"],
    ["a size beyond 8 TiB", { sizeBytes: 2n ** 43n + 1n }, "source.size_bytes"],
    ["a long type", { contentType: "a".repeat(128) }, "source.content_type"],
    ["a long file name", { filename: "a".repeat(256) }, "source.filename"],
    ["a short checksum", { compositeSha256: Buffer.alloc(31) }, "source.composite_sha256"],
  ])("%s is refused", (_, fields, field) => {
    expect(() => readSource(SourceMessage.fromPartial({ ...source, ...fields }))).toThrow(refusal(field));
  });

  test("no source at all is refused", () => {
    expect(() => readSource(undefined)).toThrow(refusal("source"));
  });

  test("media", () => {
    expect(readMedia({ durationMs: 1n, width: 0, height: 0 })).toEqual({ durationMs: 1, width: 0, height: 0 });
    expect(() => readMedia({ durationMs: 0n, width: 0, height: 0 })).toThrow(refusal("duration_ms"));
    expect(() => readMedia({ durationMs: 2n ** 63n - 1n, width: 0, height: 0 })).toThrow(refusal("duration_ms"));
    expect(() => readMedia({ durationMs: 1n, width: -1, height: 0 })).toThrow(refusal("width"));
    expect(() => readMedia({ durationMs: 1n, width: 0, height: -1 })).toThrow(refusal("height"));
  });

  test("an action and a viewer", () => {
    expect(readAction(Action.WATCH)).toBe("WATCH");
    expect(readAction(Action.MANAGE)).toBe("MANAGE");
    for (const code of [Action.UNSPECIFIED, Action.UNRECOGNIZED])
      expect(() => readAction(code)).toThrow(refusal("action"));
    expect(readViewer("")).toBeUndefined();
    expect(readViewer("users/ann")).toBe("users/ann");
    for (const viewer of ["ann", "users/", "users/../a", "users/a/b", "users/a\0", "members"])
      expect(() => readViewer(viewer)).toThrow(refusal("viewer"));
  });

  test("sizes are exact", () => {
    expect(readSize("f", 2n ** 43n)).toBe(2 ** 43);
  });
});

describe("what callers see", () => {
  test("an etag changes with every change and with nothing else", () => {
    const video = videoIn("READY");
    expect(etagOf(video)).toBe(etagOf({ ...video }));
    expect(etagOf(describeVideo(video, { title: "B" }, LATER))).not.toBe(etagOf(video));
  });

  test("a video is told whole", () => {
    const video = videoIn("FAILED", { visibility: "UNLISTED", tags: ["x"] });
    expect(toMessage(video)).toEqual({
      name: "videos/a",
      owner: "users/ann",
      title: "A",
      description: "",
      tags: ["x"],
      visibility: Visibility.UNLISTED,
      state: 4,
      playable: false,
      durationMs: 0n,
      sizeBytes: 5n,
      width: 0,
      height: 0,
      failureReason: "no picture",
      createTime: video.createTime,
      updateTime: video.updateTime,
      expireTime: undefined,
      etag: "r3",
    });
  });
});

test("settings: defaults, and every fault at once", () => {
  const read = (variables: Record<string, string>) => {
    const environment = new Environment(variables, { alone: false });
    return { config: readConfig(environment), faults: environment.faults.map(({ variable }) => variable) };
  };
  expect(read({})).toEqual({
    config: {
      documents: { folder: "data/catalog" },
      events: "in process",
      purgeEveryMs: 60_000,
      keepDeletedMs: 86_400_000,
    },
    faults: [],
  });
  const faults = ["CATALOG_PURGE_SECONDS", "CATALOG_KEEP_DELETED_SECONDS"];
  expect(read({ CATALOG_PURGE_SECONDS: "0", CATALOG_KEEP_DELETED_SECONDS: "-1" }).faults).toEqual(faults);
});
