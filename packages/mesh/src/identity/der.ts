/** Values as ASN.1 writes them by its Distinguished Encoding Rules (X.690): as much as a certificate takes. */

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, Math.floor(length / 0x100), length % 0x100];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

export const sequence = (...items: readonly Buffer[]) => tagged(0x30, Buffer.concat(items));
export const set = (...items: readonly Buffer[]) => tagged(0x31, Buffer.concat(items));
export const octets = (bytes: Buffer) => tagged(0x04, bytes);
export const utf8 = (text: string) => tagged(0x0c, Buffer.from(text));
export const yes = tagged(0x01, Buffer.from([0xff]));

/** A whole number of at least 0, big-endian. */
export function integer(bytes: Buffer): Buffer {
  const [first = 0] = bytes;
  return tagged(0x02, first >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
}

/** Bits of which the last `unused` do not count. */
export function bits(bytes: Buffer, unused = 0): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unused]), bytes]));
}

/** A context-specific value: `[number]`, of other values or of plain bytes. */
export function context(number: number, content: Buffer, kind: "constructed" | "primitive"): Buffer {
  return tagged((kind === "constructed" ? 0xa0 : 0x80) + number, content);
}

/** An object identifier such as `2.5.4.3`. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc % 0x80];
    for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80))
      groups.unshift(0x80 + (left % 0x80));
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

/** A moment to the second: UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, section 4.1.2.5). */
export function time(moment: Date): Buffer {
  const digits = `${moment.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return moment.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits));
}
