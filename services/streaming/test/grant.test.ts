import { describe, expect, test } from "@jest/globals";
import { createKeys, type Purpose } from "@reelmesh/mesh/secret.js";
import { sign } from "@reelmesh/mesh/signed.js";
import fc from "fast-check";
import { mintGrant, readGrant, type Grant } from "../src/grant.js";

const keys = createKeys([Buffer.alloc(32, 1)]);
const NOW = new Date("2026-01-02T03:04:05Z");
const later = (ms: number) => new Date(NOW.getTime() + ms);
const GRANT: Grant = { video: "videos/a", viewer: "users/ann", accessEpoch: 3n, expires: later(60_000) };
const refusal = (problem: string) => expect.objectContaining({ reason: "GRANT_INVALID", metadata: { problem } });

describe("a grant", () => {
  test("opens the video it was made for, and fits a path", () => {
    const token = mintGrant(keys, GRANT);
    expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
    expect(readGrant(keys, token, "videos/a", NOW)).toEqual(GRANT);
  });

  test("of an earlier secret opens while that is still in force", () => {
    const [earlier, newer] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const token = mintGrant(createKeys([earlier]), GRANT);
    expect(readGrant(createKeys([newer, earlier]), token, "videos/a", NOW)).toEqual(GRANT);
    expect(() => readGrant(createKeys([newer]), token, "videos/a", NOW)).toThrow(refusal("it was altered or cut off"));
  });

  test.each([
    ["until its last moment", 59_999, undefined],
    ["not in the moment it ends", 60_000, "it has expired"],
    ["not later", 3_600_000, "it has expired"],
  ])("opens %s", (_, ms, problem) => {
    const read = () => readGrant(keys, mintGrant(keys, GRANT), "videos/a", later(ms));
    if (problem === undefined) expect(read()).toEqual(GRANT);
    else expect(read).toThrow(refusal(problem));
  });

  test("opens no other video", () => {
    const token = mintGrant(keys, GRANT);
    for (const video of ["videos/b", "videos/", "videos/a/", "videos/A"])
      expect(() => readGrant(keys, token, video, NOW)).toThrow(refusal("it is for another video"));
  });

  test("is nothing that was signed for another purpose", () => {
    const purposes: readonly Purpose[] = ["capability", "page-token", "principal-token", "service-token"];
    for (const purpose of purposes) {
      const token = sign(keys, purpose, ["videos/a", "users/ann", "3", NOW.getTime()]);
      expect(() => readGrant(keys, token, "videos/a", NOW)).toThrow(refusal("it was altered or cut off"));
    }
  });

  test("is nothing that has another shape", () => {
    for (const value of [null, 1, {}, [], ["videos/a", "users/ann", 3, 4], ["videos/a", "users/ann", "3"]])
      expect(() => readGrant(keys, sign(keys, "grant", value), "videos/a", NOW)).toThrow(
        refusal("it was altered or cut off"),
      );
  });

  test("is void when any letter of it is another, is missing or was added", () => {
    const token = mintGrant(keys, GRANT);
    const letter = fc.constantFrom("A", "b", "0", "-", "_", ".", "=", "\0", "é");
    const altered = fc
      .tuple(fc.nat(token.length), fc.nat(1), fc.oneof(letter, fc.constant("")))
      .map(([at, cut, put]) => token.slice(0, at) + put + token.slice(at + cut))
      .filter((changed) => changed !== token);
    fc.assert(
      fc.property(fc.oneof(altered, fc.string()), (changed) => {
        expect(() => readGrant(keys, changed, "videos/a", NOW)).toThrow(refusal("it was altered or cut off"));
      }),
      { numRuns: 1000 },
    );
  });
});
