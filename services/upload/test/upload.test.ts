import { describe, expect, test } from "@jest/globals";
import { text } from "@reelmesh/mesh/fields.js";
import fc from "fast-check";
import {
  assertFitsBlocks,
  blockSize,
  chainBlocks,
  isSamePiece,
  MOST_BLOCKS,
  objectOf,
  pieceKey,
  titleOf,
  type Piece,
} from "../src/upload.js";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

const piece = (offset: number, sizes: readonly number[], fence = 1): Piece => ({
  _id: pieceKey("u", offset),
  schema: 1,
  upload: "u",
  offset,
  fence,
  blocks: sizes.map((sizeBytes, index) => ({ id: `${fence}-${offset}-${index}`, sizeBytes, sha256: Buffer.alloc(32) })),
});
const ids = (blocks: readonly { id: string }[]) => blocks.map(({ id }) => id);

describe("the chain of blocks", () => {
  test.each<[string, number, readonly Piece[], readonly string[]]>([
    ["of nothing", 0, [], []],
    ["of one piece", 3, [piece(0, [1, 2])], ["1-0-0", "1-0-1"]],
    ["of pieces in any order", 9, [piece(5, [4]), piece(0, [5])], ["1-0-0", "1-5-0"]],
    [
      "passes over what has no place in it",
      9,
      [piece(0, [5]), piece(3, [2]), piece(5, [4]), piece(9, [1])],
      ["1-0-0", "1-5-0"],
    ],
  ])("%s", (_, sizeBytes, pieces, expected) => {
    expect(ids(chainBlocks({ _id: "u", sizeBytes }, pieces))).toEqual(expected);
  });

  test("that has a gap, or ends early, is an error and never an object", () => {
    const upload = { _id: "u", sizeBytes: 9 };
    expect(() => chainBlocks(upload, [piece(0, [5]), piece(6, [3])])).toThrow("Upload u lost the piece at 5");
    expect(() => chainBlocks(upload, [])).toThrow("Upload u lost the piece at 0");
  });

  test("holds every byte once, however it was cut and whatever lies beside it", () => {
    const cuts = fc.array(fc.array(fc.integer({ min: 1, max: 4 * MIB }), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(cuts, fc.array(fc.nat(100)), (pieces, strays) => {
        let offset = 0;
        const chain = pieces.map((sizes) => {
          const made = piece(offset, sizes, 2);
          offset += sizes.reduce((sum, size) => sum + size, 0);
          return made;
        });
        const starts = new Set(chain.map((made) => made.offset));
        const beside = strays.filter((at) => !starts.has(at)).map((at) => piece(at, [7], 1));
        const blocks = chainBlocks({ _id: "u", sizeBytes: offset }, [...beside, ...chain]);
        expect(ids(blocks)).toEqual(chain.flatMap((made) => ids(made.blocks)));
      }),
    );
  });
});

describe("block sizes", () => {
  test.each([
    [0, 2 * MIB],
    [5, 2 * MIB],
    [64 * GIB, 2 * MIB],
    [64 * GIB + 1, 4 * MIB],
    [128 * GIB, 4 * MIB],
  ])("of %d bytes", (sizeBytes, expected) => {
    expect(blockSize(sizeBytes)).toBe(expected);
  });

  test("leave room for thousands of interruptions at any size that is taken", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 128 * GIB }), (sizeBytes) => {
        expect(Math.ceil(sizeBytes / blockSize(sizeBytes))).toBeLessThan(MOST_BLOCKS - 10_000);
      }),
    );
  });
});

describe("pieces too many", () => {
  const at = (blocks: number, offset: number, sizeBytes = 10 * MIB) => ({ _id: "u", blocks, offset, sizeBytes });

  test.each([
    ["none yet", at(0, 0), true],
    ["the rest just fits", at(MOST_BLOCKS - 5, 0), true],
    ["the rest does not fit", at(MOST_BLOCKS - 4, 0), false],
    ["one block is left for a last byte", at(MOST_BLOCKS - 1, 10 * MIB - 1), true],
    ["no block is left for a last byte", at(MOST_BLOCKS, 10 * MIB - 1), false],
    ["all there", at(MOST_BLOCKS, 10 * MIB), true],
  ])("%s: %#", (_, upload, fits) => {
    if (fits)
      expect(() => {
        assertFitsBlocks(upload);
      }).not.toThrow();
    else
      expect(() => {
        assertFitsBlocks(upload);
      }).toThrow(
        "uploads/u came in too many small pieces: it may come in at most 50000; start it again with larger ones.",
      );
  });
});

describe("pieces", () => {
  test("sort by their offsets", () => {
    const offsets = [0, 9, 10, 2 ** 40, 2 ** 53 - 1];
    const keys = offsets.map((offset) => pieceKey("u", offset));
    expect([...keys].sort()).toEqual(keys);
  });

  test("are the same when writer, place and blocks are", () => {
    const one = piece(5, [1, 2]);
    expect(isSamePiece(one, piece(5, [1, 2]))).toBe(true);
    expect(isSamePiece(one, piece(5, [1, 2], 2))).toBe(false);
    expect(isSamePiece(one, { ...one, offset: 6 })).toBe(false);
    expect(isSamePiece(one, piece(5, [1]))).toBe(false);
    expect(isSamePiece(piece(5, [1]), one)).toBe(false);
    expect(isSamePiece(one, piece(5, [1, 3]))).toBe(false);
    const altered = one.blocks.map((block) => ({ ...block, sha256: Buffer.alloc(32, 1) }));
    expect(isSamePiece(one, { ...one, blocks: altered })).toBe(false);
  });
});

test("an upload becomes its video's source", () => {
  expect(objectOf({ video: "videos/abc" })).toBe("sources/abc");
});

describe("titles out of names", () => {
  test.each([
    ["my_holiday-2024.mp4", "my holiday-2024"],
    ["C:\\films\\a.b.mkv", "a.b"],
    ["/tmp/../etc/passwd", "passwd"],
    ["..", ".."],
    [".mp4", "Untitled"],
    ["___.mov", "Untitled"],
    ["", "Untitled"],
    ["   spaces   everywhere .webm", "spaces everywhere"],
    ["no extension", "no extension"],
    ["v1.backup-copy", "v1.backup-copy"],
    ["😀.mp4", "😀"],
    [`${"😀".repeat(250)}.mp4`, "😀".repeat(200)],
  ])("%j", (filename, title) => {
    expect(titleOf(filename)).toBe(title);
  });

  test("are titles that a video may have, whatever name a file may have", () => {
    const names = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: "grapheme", maxLength: 300 }),
    );
    fc.assert(
      fc.property(names, (given) => {
        let filename: string;
        try {
          filename = text("filename", given, { min: 0, max: 255 });
        } catch {
          return;
        }
        expect(() => text("title", titleOf(filename), { min: 1, max: 200 })).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
