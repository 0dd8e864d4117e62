import { describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { openChannel } from "@reelmesh/mesh/channel.js";
import { createClient } from "@reelmesh/mesh/client.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { defineModule, serve, type Implementation } from "@reelmesh/mesh/module.js";
import { startModules } from "@reelmesh/mesh/start.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { readResuming } from "../../src/media/resume.js";

const SECRET = Buffer.alloc(32, 3);
const PIECE = 1000;

const byteAt = (offset: number) => (offset * 2_654_435_761) >>> 24;
const bytes = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from }, (_, at) => byteAt(from + at)));

/** A replica of storage that breaks a stream off after so many pieces, with the error it is given. */
async function startReplica(pieces: () => number, broken: () => Error) {
  const reads: number[] = [];
  const refuse = () => Promise.reject(new DomainError("UNIMPLEMENTED"));
  const implementation: Implementation<typeof StorageServiceDefinition> = {
    stageBlock: refuse,
    commitBlocks: refuse,
    discardBlocks: refuse,
    async *readObject({ offset, length, ifMatch }) {
      reads.push(Number(offset));
      if (ifMatch !== "v1") throw new DomainError("ETAG_MISMATCH", { resource: "it" });
      yield { object: { etag: "v1" } };
      const end = Number(offset) + Number(length);
      let left = pieces();
      for (let at = Number(offset); at < end; at += PIECE) {
        if (left-- === 0) throw broken();
        yield { data: bytes(at, Math.min(end, at + PIECE)) };
      }
    },
    getObject: refuse,
    deleteObject: refuse,
    listObjects: refuse,
  };
  const anybody = {
    stageBlock: "anybody",
    commitBlocks: "anybody",
    discardBlocks: "anybody",
    readObject: "anybody",
    getObject: "anybody",
    deleteObject: "anybody",
    listObjects: "anybody",
  } as const;
  const storage = defineModule({
    name: "storage",
    port: 7001,
    clients: [],
    config: () => undefined,
    start: async () => ({ services: [serve(StorageServiceDefinition, implementation, anybody)] }),
  });
  const variables = {
    STORAGE_LISTEN: "127.0.0.1:0",
    OPS_LISTEN: "127.0.0.1:0",
    MESH_SECRET: SECRET.toString("base64"),
    MESH_DRAIN_MS: "0",
    LOG_LEVEL: "silent",
  };
  const mesh = await startModules([storage], variables);
  return { mesh, reads };
}

const request = { capability: "c", object: "o", offset: 500n, length: 9_999n, ifMatch: "v1" };
const scopeOf = () => ({ requestId: randomUUID(), signal: new AbortController().signal });
const lost = () => new DomainError("SERVICE_UNAVAILABLE", { service: "storage" });

/** Reads through these replicas; answers the bytes that came and how it ended. */
async function read(replicas: readonly Awaited<ReturnType<typeof startReplica>>[], given = request) {
  const addresses = replicas.map(({ mesh }) => mesh.addressOf("storage")).join(",");
  const channel = openChannel("storage", addresses, "gateway", createTokens(createKeys([SECRET])));
  const received: Uint8Array[] = [];
  let objects = 0;
  let ended: unknown = "OK";
  try {
    for await (const { object, data } of readResuming(
      createClient(StorageServiceDefinition, channel),
      given,
      scopeOf(),
    )) {
      if (object) objects += 1;
      received.push(data);
    }
  } catch (error) {
    ended = error;
  } finally {
    channel.close();
    await Promise.all(replicas.map(({ mesh }) => mesh.stop()));
  }
  return { ended, objects, data: Buffer.concat(received) };
}

describe("a read that breaks off", () => {
  test("goes on at its offset, without a byte missing, doubled or wrong", async () => {
    const replicas = [await startReplica(() => 3, lost), await startReplica(() => 3, lost)];
    const { ended, objects, data } = await read(replicas);
    expect(ended).toBe("OK");
    expect(objects).toBe(1);
    expect(data.equals(bytes(500, 10_499))).toBe(true);
    expect(replicas.flatMap(({ reads }) => reads).sort((a, b) => a - b)).toEqual([500, 3_500, 6_500, 9_500]);
  });

  test("goes on elsewhere when its replica stops for good", async () => {
    const leaver = await startReplica(
      () => 2,
      () => {
        void leaver.mesh.stop();
        return lost();
      },
    );
    const stayer = await startReplica(() => 2, lost);
    const { ended, data } = await read([leaver, stayer]);
    expect(ended).toBe("OK");
    expect(data.equals(bytes(500, 10_499))).toBe(true);
  });

  test("ends as it must when nobody goes on", async () => {
    let first = true;
    const replica = await startReplica(() => {
      const pieces = first ? 2 : 0;
      first = false;
      return pieces;
    }, lost);
    const { ended, data } = await read([replica]);
    expect(ended).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    expect(data.equals(bytes(500, 2_500))).toBe(true);
  });

  test.each(["OBJECT_DAMAGED", "ETAG_MISMATCH"] as const)("by %s is not tried again", async (reason) => {
    const replica = await startReplica(
      () => 1,
      () => new DomainError<typeof reason>(reason, { resource: "it", problem: "it is" }),
    );
    const { ended } = await read([replica]);
    expect(ended).toMatchObject({ reason });
    expect(replica.reads).toEqual([500]);
  });
});
