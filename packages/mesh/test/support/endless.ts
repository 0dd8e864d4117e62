/** The bytes of an object without end: every one follows from where it is. */
export const PIECE = 16 * 1024;
export const ETAG = "endless";

export function bytesAt(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = ((offset + index) * 2_654_435_761) >>> 24;
  return bytes;
}
