import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import {
  ReadObjectResponse,
  StageBlockRequest,
  StorageServiceDefinition,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { createCodec } from "../src/codec.js";
import { traitsOf } from "../src/definition.js";
import { scope, startMesh, storageClient } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";

const { stageBlock, readObject, getObject } = StorageServiceDefinition.methods;
const staged = createCodec(stageBlock.requestType, 5);
const read = createCodec(readObject.responseType, 2);

/** Around every length that takes another byte to say. */
const SIZES = [0, 1, 2, 127, 128, 129, 16_383, 16_384, 65_535, 65_536, 2_097_151, 2_097_152, 4_194_304];

describe("a message that ends in bulk bytes", () => {
  test.each(SIZES)("of %d bytes is what ts-proto makes of it, both ways", (size) => {
    const data = Buffer.alloc(size, 0xab);
    const message = StageBlockRequest.fromPartial({ object: "objects/ä", blockId: "b", data });
    const bytes = staged.serialize(message);
    expect(bytes.equals(Buffer.from(StageBlockRequest.encode(message).finish()))).toBe(true);
    const back = staged.deserialize(bytes);
    expect(back).toMatchObject({ object: "objects/ä", blockId: "b" });
    expect(StageBlockRequest.fromPartial(Object(back)).data.equals(data)).toBe(true);
  });

  test("is what ts-proto makes of it whatever else it has", () => {
    const messages = fc.record({
      capability: fc.string({ unit: "grapheme" }),
      object: fc.string({ unit: "grapheme" }),
      blockId: fc.string(),
      sha256: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(messages, (given) => {
        const message = StageBlockRequest.fromPartial(given);
        const bytes = staged.serialize(message);
        expect(bytes).toEqual(Buffer.from(StageBlockRequest.encode(message).finish()));
        expect(staged.deserialize(bytes)).toEqual(StageBlockRequest.decode(bytes));
      }),
    );
  });

  test("is read without a copy and written without touching what is given", () => {
    const data = Buffer.from("some bytes");
    const message = ReadObjectResponse.fromPartial({ data });
    const bytes = read.serialize(message);
    expect(message.data).toBe(data);
    const back = ReadObjectResponse.fromPartial(Object(read.deserialize(bytes)));
    expect(back.data.buffer).toBe(bytes.buffer);
    expect(back.data).toEqual(data);
  });

  test("may come from an encoder with another order of fields, with fields twice, or with unknown ones", () => {
    const field = fc.oneof(
      fc.record({ number: fc.constantFrom(1, 2, 3, 9, 5000), text: fc.string({ maxLength: 200 }) }),
      fc.record({ number: fc.constant(5), text: fc.string({ maxLength: 200 }) }),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        const writer = new BinaryWriter();
        for (const { number, text } of fields) writer.uint32((number << 3) | 2).bytes(Buffer.from(text));
        const bytes = Buffer.from(writer.finish());
        expect(staged.deserialize(bytes)).toEqual(StageBlockRequest.decode(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test("that was cut or altered is refused as ts-proto refuses it, or read as ts-proto reads it", () => {
    const whole = staged.serialize(StageBlockRequest.fromPartial({ object: "abc", data: Buffer.alloc(300, 1) }));
    const damage = fc.record({ length: fc.nat(whole.length), at: fc.nat(whole.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(damage, ({ length, at, to }) => {
        const bytes = Buffer.from(whole);
        bytes[at] = to;
        const cut = bytes.subarray(0, length);
        expect(outcome(() => staged.deserialize(cut))).toEqual(outcome(() => StageBlockRequest.decode(cut)));
      }),
      { numRuns: 1000 },
    );
  });
});

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return "refused";
  }
}

describe("over the wire", () => {
  test.each(SIZES.slice(0, -1))("a block and an answer of %d bytes arrive whole", async (size) => {
    let kept: Buffer = Buffer.alloc(0);
    const mesh = await startMesh([
      storageModule({
        async stageBlock({ data, blockId }) {
          kept = data;
          return { block: { id: blockId, sizeBytes: BigInt(data.length) } };
        },
        async *readObject({ object }) {
          yield { object: { name: object, sizeBytes: BigInt(kept.length) } };
          yield { data: kept };
        },
      }),
    ]);
    const client = storageClient(mesh);
    const data = Buffer.alloc(size, 0xcd);
    const { block } = await client.stageBlock({ object: "a", blockId: "b", data }, scope());
    expect(block).toMatchObject({ id: "b", sizeBytes: BigInt(size) });
    const messages = [];
    for await (const message of client.readObject({ object: "a" }, scope())) messages.push(message);
    expect(messages).toHaveLength(2);
    expect(messages[0]?.object).toMatchObject({ name: "a", sizeBytes: BigInt(size) });
    expect(messages[1]?.data.equals(data)).toBe(true);
  });

  test("a block of 4 MiB is taken", async () => {
    const mesh = await startMesh([
      storageModule({ stageBlock: async ({ data }) => ({ block: { sizeBytes: BigInt(data.length) } }) }),
    ]);
    const { block } = await storageClient(mesh).stageBlock({ object: "a", data: Buffer.alloc(4_194_304) }, scope());
    expect(block?.sizeBytes).toBe(4_194_304n);
  });
});

describe("a contract", () => {
  test("says how its methods behave", () => {
    expect(traitsOf(StorageServiceDefinition, stageBlock)).toEqual({
      path: "/reelmesh.storage.v1.StorageService/StageBlock",
      kind: "unary",
      idempotency: "IDEMPOTENT",
      requestBytesField: 5,
      responseBytesField: 0,
    });
    expect(traitsOf(StorageServiceDefinition, readObject)).toMatchObject({
      kind: "stream",
      idempotency: "NO_SIDE_EFFECTS",
      responseBytesField: 2,
    });
    expect(traitsOf(StorageServiceDefinition, getObject)).toMatchObject({ kind: "unary", requestBytesField: 0 });
    const { createVideo } = CatalogServiceDefinition.methods;
    expect(traitsOf(CatalogServiceDefinition, createVideo)).toMatchObject({ kind: "unary" });
  });

  test("with a stream of requests is refused", () => {
    const upload = { ...stageBlock, requestStream: true };
    expect(() => traitsOf(StorageServiceDefinition, upload)).toThrow(/takes a stream of requests/);
  });
});
