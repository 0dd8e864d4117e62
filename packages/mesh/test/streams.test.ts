import { describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { getEventListeners } from "node:events";
import { DomainError } from "../src/errors.js";
import { scope, startMesh, storageClient } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection, until } from "./support/until.js";

const PIECE_BYTES = 256 * 1024;
/** What HTTP/2 lets a sender have under way to a reader that does not read: the client's flow-control window. */
const WINDOW_BYTES = 256 * 1024;
/** One message at the reader's gate, one it has taken, two at the sender, one just made. */
const MESSAGES_UNDER_WAY = 5;

/** A module that streams `pieces` pieces of bytes, each another one, and counts them. */
function pieces(total: number, pieceBytes = PIECE_BYTES) {
  const counts = { produced: 0, finished: 0 };
  const module = storageModule({
    async *readObject() {
      try {
        for (let index = 0; index < total; index += 1) {
          counts.produced += 1;
          yield { data: Buffer.alloc(pieceBytes, index) };
        }
      } finally {
        counts.finished += 1;
      }
    },
    getObject: async ({ object }) => ({ name: object }),
  });
  return { module, counts };
}

describe("a stream", () => {
  test("of 100 MB is never further ahead of a slow reader than a few messages and the window", async () => {
    const total = 400;
    const { module, counts } = pieces(total);
    const mesh = await startMesh([module]);
    const client = storageClient(mesh);
    const digest = createHash("sha256");
    let received = 0;
    let furthest = 0;
    for await (const { data } of client.readObject({}, scope())) {
      received += 1;
      digest.update(data);
      // A unary call on the same connection: the server has had its turns to run ahead when it is answered.
      if (received % 10 === 0) await client.getObject({ object: "a" }, scope());
      furthest = Math.max(furthest, counts.produced - received);
    }
    const expected = createHash("sha256");
    for (let index = 0; index < total; index += 1) expected.update(Buffer.alloc(PIECE_BYTES, index));
    expect({ received, digest: digest.digest("hex") }).toEqual({ received: total, digest: expected.digest("hex") });
    expect(furthest).toBeLessThanOrEqual(MESSAGES_UNDER_WAY + WINDOW_BYTES / PIECE_BYTES);
    expect(counts.finished).toBe(1);
  });

  test("whose reader stops reading comes to a halt, and goes on with the reader", async () => {
    const { module, counts } = pieces(100);
    const mesh = await startMesh([module]);
    const client = storageClient(mesh);
    const messages = client.readObject({}, scope());
    await messages.next();
    for (let calls = 0; calls < 100; calls += 1) await client.getObject({}, scope());
    expect(counts.produced).toBeLessThanOrEqual(1 + MESSAGES_UNDER_WAY + WINDOW_BYTES / PIECE_BYTES);
    let received = 1;
    for await (const { data } of messages) received += data.length / PIECE_BYTES;
    expect(received).toBe(100);
  });

  test("of small messages keeps their order", async () => {
    const { module } = pieces(2_000, 1);
    const mesh = await startMesh([module]);
    const order: (number | undefined)[] = [];
    for await (const { data } of storageClient(mesh).readObject({}, scope())) order.push(data[0]);
    expect(order).toEqual(Array.from({ length: 2_000 }, (_, index) => index % 256));
  });

  test("of nothing ends", async () => {
    const { module } = pieces(0);
    const mesh = await startMesh([module]);
    expect(await storageClient(mesh).readObject({}, scope()).next()).toMatchObject({ done: true });
  });

  test.each([
    ["after its first message", 1],
    ["later", 3],
  ])("that its reader leaves %s ends its handler", async (_, take) => {
    const { module, counts } = pieces(1_000_000);
    const mesh = await startMesh([module]);
    let received = 0;
    for await (const { data } of storageClient(mesh).readObject({}, scope())) {
      expect(data.length).toBe(PIECE_BYTES);
      received += 1;
      if (received === take) break;
    }
    await until(() => counts.finished === 1);
    expect(counts.produced).toBeLessThan(20);
    await until(() => mesh.calls().length === 1);
    expect(mesh.calls()).toMatchObject([{ level: "info", status: "CANCELLED" }]);
  });

  test("that 200 readers leave at once leaves nothing behind", async () => {
    const { module, counts } = pieces(1_000_000);
    const mesh = await startMesh([module]);
    const client = storageClient(mesh);
    const leave = async () => {
      for await (const { data } of client.readObject({}, scope())) if (data.length > 0) break;
    };
    await Promise.all(Array.from({ length: 200 }, leave));
    await until(() => counts.finished === 200);
    expect(await client.getObject({ object: "still here" }, scope())).toMatchObject({ name: "still here" });
  });

  test("whose reader throws ends its handler, and the reader's error stays what it is", async () => {
    const { module, counts } = pieces(1_000_000);
    const mesh = await startMesh([module]);
    const mine = new Error("the disk is full");
    const read = async () => {
      for await (const { data } of storageClient(mesh).readObject({}, scope())) if (data.length > 0) throw mine;
    };
    expect(await rejection(read())).toBe(mine);
    await until(() => counts.finished === 1);
  });

  test("that is never read is never called", async () => {
    const { module, counts } = pieces(1);
    const mesh = await startMesh([module]);
    const client = storageClient(mesh);
    await client.readObject({}, scope()).return(undefined);
    await client.getObject({}, scope());
    expect(counts.produced).toBe(0);
  });

  test("whose handler fails rejects after the messages before, and never just ends", async () => {
    const mesh = await startMesh([
      storageModule({
        async *readObject() {
          for (let index = 0; index < 10; index += 1) yield { data: Buffer.alloc(PIECE_BYTES) };
          throw new DomainError("STORE_UNAVAILABLE");
        },
      }),
    ]);
    let received = 0;
    const read = async () => {
      for await (const { data } of storageClient(mesh).readObject({}, scope())) received += data.length;
    };
    expect(await rejection(read())).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(received).toBe(10 * PIECE_BYTES);
  });
});

test("50 streams that nobody reads do not hold up a call on the same channel", async () => {
  const { module, counts } = pieces(1_000_000);
  const mesh = await startMesh([module]);
  const client = storageClient(mesh);
  const streams = Array.from({ length: 50 }, () => client.readObject({}, scope()));
  await Promise.all(streams.map((stream) => stream.next()));
  await until(() => counts.produced >= 100);
  for (let calls = 0; calls < 20; calls += 1) {
    expect(await client.getObject({ object: "a" }, scope())).toMatchObject({ name: "a" });
  }
  const perStream = MESSAGES_UNDER_WAY + 1 + WINDOW_BYTES / PIECE_BYTES;
  expect(counts.produced).toBeLessThanOrEqual(50 * perStream);
  await Promise.all(streams.map((stream) => stream.return(undefined)));
  await until(() => counts.finished === 50);
});

test("a thousand calls of one scope leave no listener on its signal", async () => {
  const { module } = pieces(1);
  const mesh = await startMesh([module]);
  const client = storageClient(mesh);
  const given = scope();
  for (let calls = 0; calls < 20; calls += 1) {
    await Promise.all(Array.from({ length: 50 }, () => client.getObject({}, given)));
    await client.readObject({}, given).return(undefined);
    for await (const { data } of client.readObject({}, given)) expect(data.length).toBe(PIECE_BYTES);
  }
  expect(getEventListeners(given.signal, "abort")).toEqual([]);
});
