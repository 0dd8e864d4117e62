import { expect, test } from "@jest/globals";
import { Environment } from "@reelmesh/mesh/environment.js";
import { Source } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { readConfig } from "../src/config.js";
import { arrivedSource, playableSource } from "../src/playable.js";

const source = (contentType: string, sizeBytes = 5n): Source => ({ ...Source.fromPartial({}), contentType, sizeBytes });
const refusal = (problem: string) => expect.objectContaining({ reason: "NOT_PLAYABLE", message: problem });

test.each(["video/mp4", "video/webm", "video/quicktime", "audio/mpeg", "audio/flac"])("%s plays as it is", (type) => {
  expect(playableSource(source(type))).toEqual(source(type));
});

test.each([
  "text/html",
  "image/svg+xml",
  "application/xhtml+xml",
  "application/octet-stream",
  "video/x-flv",
  "VIDEO/MP4",
  "",
])("%j does not", (type) => {
  expect(() => playableSource(source(type))).toThrow(refusal("Browsers cannot play this type of file."));
});

test("whatever it is, it can be fetched once it is in", () => {
  for (const given of [source("text/html"), source("video/mp4", 0n)]) expect(arrivedSource(given)).toBe(given);
  expect(() => arrivedSource(undefined)).toThrow(refusal("This video is still being uploaded."));
});

test("what is still coming in, or empty, says so", () => {
  expect(() => playableSource(undefined)).toThrow(refusal("This video is still being uploaded."));
  expect(() => playableSource(source("video/mp4", 0n))).toThrow(
    refusal("This file is empty: there is nothing to play."),
  );
});

test("settings: defaults, and every fault at once", () => {
  const read = (variables: Record<string, string>) => {
    const environment = new Environment(variables, { alone: true });
    return { config: readConfig(environment), faults: environment.faults.map(({ variable }) => variable) };
  };
  expect(read({})).toEqual({ config: { grantMs: 12 * 3_600_000, accessMs: 60_000 }, faults: [] });
  const faults = ["STREAMING_GRANT_SECONDS", "STREAMING_ACCESS_SECONDS"];
  expect(read({ STREAMING_GRANT_SECONDS: "43201", STREAMING_ACCESS_SECONDS: "61" }).faults).toEqual(faults);
});
