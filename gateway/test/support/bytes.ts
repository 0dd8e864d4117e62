import { expect } from "@jest/globals";
import { createHash } from "node:crypto";

/** So many bytes that look random and are the same each time: no block is like another. */
export function someBytes(length: number, seed = "bytes"): Buffer {
  const block = Buffer.alloc(Math.min(length, 1024 * 1024));
  for (let at = 0; at < block.length; at += 32) {
    createHash("sha256").update(`${seed} ${at}`).digest().copy(block, at);
  }
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += block.length) {
    block.copy(bytes, at);
    bytes.writeUInt8((at / block.length) % 251, at);
  }
  return bytes;
}

/** Compares what is too long to be compared, or shown, byte by byte. */
export function expectSameBytes(given: Buffer, wanted: Buffer): void {
  const summary = (bytes: Buffer) => ({
    length: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  expect(summary(given)).toEqual(summary(wanted));
}
