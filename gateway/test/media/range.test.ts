import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { answerRange, type RangeAnswer, type RangeRequest } from "../../src/media/range.js";

const ETAG = '"abc"';
const whole = (size: number): RangeAnswer => ({ status: 200, start: 0, end: size });
const part = (start: number, end: number): RangeAnswer => ({ status: 206, start, end });

function answer(asked: Partial<RangeRequest>, size = 1000): RangeAnswer {
  return answerRange({ method: "GET", ...asked }, ETAG, size);
}

describe("one range", () => {
  test.each<[string, RangeAnswer]>([
    ["bytes=0-499", part(0, 500)],
    ["bytes=500-999", part(500, 1000)],
    ["bytes=-500", part(500, 1000)],
    ["bytes=9500-", { status: 416 }],
    ["bytes=500-", part(500, 1000)],
    ["bytes=0-0", part(0, 1)],
    ["bytes=-1", part(999, 1000)],
    ["bytes=999-", part(999, 1000)],
    ["bytes=1000-", { status: 416 }],
    ["bytes=1000-2000", { status: 416 }],
    ["bytes=-0", { status: 416 }],
    ["bytes=0-", part(0, 1000)],
    ["bytes=0-1000", part(0, 1000)],
    ["bytes=0-99999999999999999999999999", part(0, 1000)],
    ["bytes=-1001", part(0, 1000)],
    ["bytes=-99999999999999999999999999", part(0, 1000)],
    ["bytes=99999999999999999999999999-", { status: 416 }],
    [`bytes=${"9".repeat(4000)}-${"9".repeat(4001)}`, { status: 416 }],
    ["bytes=00000000000000000000000001-2", part(1, 3)],
    ["BYTES=1-2", part(1, 3)],
    ["  bytes=1-2  ", part(1, 3)],
    // Empty elements of a list count for nothing.
    ["bytes=,, 1-2 ,", part(1, 3)],
  ])("%s", (range, expected) => {
    expect(answer({ range })).toEqual(expected);
  });
});

describe("ignored, and the answer is whole", () => {
  test.each([
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=,",
    "bytes=2-1",
    "bytes=a-b",
    "bytes=0x1-2",
    "bytes=1-2-3",
    "bytes=--1",
    "bytes=1",
    "bytes=1.0-2",
    "bytes=1 -2",
    "bytes =1-2",
    "bytes=+1-2",
    "items=1-2",
    "bytes=0-1,4-5",
    "bytes=0-1, -1",
    "bytes=99999999999999999999999999-1",
    "bytes=\u0661-\u0662",
    "xbytes=1-2",
  ])("Range: %j", (range) => {
    expect(answer({ range })).toEqual(whole(1000));
  });

  test("a range of nothing, and of a HEAD", () => {
    for (const range of ["bytes=0-", "bytes=-1", "bytes=5-6"]) {
      expect(answer({ range }, 0)).toEqual(whole(0));
      expect(answer({ range, method: "HEAD" })).toEqual(whole(1000));
    }
  });
});

describe("preconditions, in the order of RFC 9110, section 13.2.2", () => {
  const range = "bytes=0-9";
  test.each<[Partial<RangeRequest>, RangeAnswer]>([
    [{ ifMatch: "*" }, whole(1000)],
    [{ ifMatch: '"abc"' }, whole(1000)],
    [{ ifMatch: '"x", "abc"' }, whole(1000)],
    [{ ifMatch: '"x","abc","y"' }, whole(1000)],
    [{ ifMatch: '"x"' }, { status: 412 }],
    // If-Match compares strongly.
    [{ ifMatch: 'W/"abc"' }, { status: 412 }],
    [{ ifMatch: 'w/"abc"' }, { status: 412 }],
    [{ ifMatch: "abc" }, { status: 412 }],
    [{ ifMatch: "" }, { status: 412 }],
    [{ ifMatch: '"x"', ifNoneMatch: '"abc"', range }, { status: 412 }],
    [{ ifMatch: '"abc"', ifNoneMatch: '"abc"', range }, { status: 304 }],

    [{ ifNoneMatch: "*" }, { status: 304 }],
    [{ ifNoneMatch: '"abc"' }, { status: 304 }],
    [{ ifNoneMatch: 'W/"abc"' }, { status: 304 }],
    [{ ifNoneMatch: '"x", W/"y" ,W/"abc"' }, { status: 304 }],
    [{ ifNoneMatch: '"a,b", "abc"' }, { status: 304 }],
    [{ ifNoneMatch: '"x"' }, whole(1000)],
    [{ ifNoneMatch: '"abcd"' }, whole(1000)],
    [{ ifNoneMatch: "abc" }, whole(1000)],
    [{ ifNoneMatch: '"x"', range }, part(0, 10)],
    [{ ifNoneMatch: '"abc"', range }, { status: 304 }],
    [{ ifNoneMatch: '"abc"', range: "bytes=5000-" }, { status: 304 }],
    [{ ifNoneMatch: '"abc"', method: "HEAD" }, { status: 304 }],

    [{ ifRange: '"abc"', range }, part(0, 10)],
    [{ ifRange: ' "abc" ', range }, part(0, 10)],
    [{ ifRange: '"x"', range }, whole(1000)],
    [{ ifRange: 'W/"abc"', range }, whole(1000)],
    [{ ifRange: "Tue, 15 Nov 1994 08:12:31 GMT", range }, whole(1000)],
    [{ ifRange: "*", range }, whole(1000)],
    [{ ifRange: "", range }, whole(1000)],
    [{ ifRange: '"x"' }, whole(1000)],
    [{ ifRange: '"x"', range: "bytes=5000-" }, whole(1000)],
    [{ ifRange: '"abc"', range: "bytes=5000-" }, { status: 416 }],
  ])("%j", (asked, expected) => {
    expect(answer(asked)).toEqual(expected);
  });
});

/** The bytes a range means, found one by one: slow, and too simple to be wrong. */
function positions(first: string, last: string, size: number): number[] {
  const all = Array.from({ length: size }, (_, at) => at);
  if (first === "") return all.filter((at) => BigInt(at) >= BigInt(size) - BigInt(last));
  return all.filter((at) => BigInt(at) >= BigInt(first) && (last === "" || BigInt(at) <= BigInt(last)));
}

test("any numbers mean the bytes that counting them one by one finds", () => {
  const number = fc.oneof(fc.nat({ max: 70 }), fc.bigInt({ min: 0n, max: 10n ** 30n })).map(String);
  const ends = fc.oneof(fc.tuple(number, number), fc.tuple(number, fc.constant("")), fc.tuple(fc.constant(""), number));
  fc.assert(
    fc.property(ends, fc.integer({ min: 1, max: 64 }), ([first, last], size) => {
      const given = answer({ range: `bytes=${first}-${last}` }, size);
      const wanted = positions(first, last, size);
      const backwards = first !== "" && last !== "" && BigInt(last) < BigInt(first);
      if (backwards) expect([whole(size), { status: 416 }]).toContainEqual(given);
      else if (wanted.length === 0) expect(given).toEqual({ status: 416 });
      else expect(given).toEqual(part(wanted[0] ?? -1, (wanted.at(-1) ?? -1) + 1));
    }),
  );
});

test("whatever is sent, the answer lies within the file", () => {
  const header = fc.option(
    fc.oneof(
      fc.string(),
      fc.stringMatching(/^bytes=[0-9, -]{0,12}$/),
      fc.constantFrom(ETAG, `W/${ETAG}`, "*", '"x"', `"x", ${ETAG}`),
    ),
    { nil: undefined },
  );
  const asked = fc.record({
    method: fc.constantFrom("GET" as const, "HEAD" as const),
    range: header,
    ifMatch: header,
    ifNoneMatch: header,
    ifRange: header,
  });
  fc.assert(
    fc.property(asked, fc.nat({ max: 100 }), (request, size) => {
      const given = answerRange(request, ETAG, size);
      if (!("start" in given)) return;
      expect(given.start).toBeGreaterThanOrEqual(0);
      expect(given.end).toBeLessThanOrEqual(size);
      if (given.status === 206) expect(given.start).toBeLessThan(given.end);
      else expect(given).toEqual(whole(size));
    }),
  );
});
