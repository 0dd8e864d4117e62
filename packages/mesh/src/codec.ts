import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { MessageType } from "./definition.js";

/** Turns messages of one type into bytes and back. */
export interface Codec {
  readonly serialize: (message: unknown) => Buffer;
  readonly deserialize: (bytes: Buffer) => unknown;
}

/**
 * A message's codec. With `bytesField`, the number of its last field `bytes data`, that field's bytes are copied once
 * on the way out and not at all on the way in: what is read is a view of what arrived.
 */
export function createCodec(type: MessageType, bytesField: number): Codec {
  if (bytesField > 0) return bulkCodec(type, bytesField);
  return {
    serialize: (message) => view(type.encode(message).finish()),
    deserialize: (bytes) => type.decode(bytes),
  };
}

function bulkCodec(type: MessageType, field: number): Codec {
  const tag = varint((field << 3) | WireType.LengthDelimited);
  const nothing = Buffer.alloc(0);
  return {
    serialize(message) {
      const data = dataOf(message);
      if (data.length === 0) return view(type.encode(message).finish());
      const rest = type.encode(Object.assign({}, message, { data: nothing })).finish();
      return Buffer.concat([rest, tag, varint(data.length), data]);
    },
    deserialize(bytes) {
      const found = locate(bytes, field);
      if (!found) return type.decode(bytes);
      const rest = type.decode(bytes.subarray(0, found.tagAt));
      return Object.assign({}, rest, { data: bytes.subarray(found.from, found.to) });
    },
  };
}

function dataOf(message: unknown): Uint8Array {
  const data: unknown = typeof message === "object" && message !== null && "data" in message ? message.data : undefined;
  return data instanceof Uint8Array ? data : Buffer.alloc(0);
}

/** Where the bytes of a field lie that ends the message; undefined when it does not end it, or this is no message. */
function locate(bytes: Buffer, field: number): { tagAt: number; from: number; to: number } | undefined {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const tagAt = reader.pos;
      const [number, type] = reader.tag();
      if (number !== field || type !== WireType.LengthDelimited) {
        reader.skip(type, number);
        continue;
      }
      const length = reader.uint32();
      const from = reader.pos;
      return from + length === reader.len ? { tagAt, from, to: from + length } : undefined;
    }
  } catch {
    // The type's own decoder says what is wrong with it.
  }
  return undefined;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
