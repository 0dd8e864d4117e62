import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { blockRecord } from "../src/block.js";
import { slicesOf } from "../src/range.js";
import { blockOf } from "./support.js";

test("slices of blocks, put together, are the range", () => {
  const blocks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 12 });
  fc.assert(
    fc.property(blocks, fc.nat(250), fc.nat(250), (parts, one, other) => {
      const made = parts.map((part, index) => blockOf(index, Buffer.from(part)));
      const whole = Buffer.concat(parts);
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      const slices = [...slicesOf(Buffer.concat(made.map(({ block }) => blockRecord(block))), start, end)];
      const read = slices.map(({ block, from, length }) => {
        const data = made.find((each) => each.block.id === block.id)?.data ?? Buffer.alloc(0);
        expect(length).toBeGreaterThan(0);
        expect(from + length).toBeLessThanOrEqual(block.size);
        return data.subarray(from, from + length);
      });
      expect(Buffer.concat(read)).toEqual(whole.subarray(start, end));
    }),
  );
});
