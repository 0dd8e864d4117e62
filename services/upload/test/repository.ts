import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { TestStore } from "../../catalog/test/support/stores.js";
import { openUploads } from "../src/repository.js";
import { pieceKey, type Piece, type Upload } from "../src/upload.js";

const CREATED = new Date("2026-01-02T03:04:05.678Z");

/** An upload as it is kept, with what matters to a test. */
export function keptUpload(given: Partial<Upload> = {}): Upload {
  const { _id = randomUUID(), createTime = CREATED } = given;
  return {
    _id,
    schema: 1,
    requestId: _id,
    owner: "users/ann",
    state: "RECEIVING",
    video: `videos/${_id}`,
    title: "A",
    visibility: "PRIVATE",
    filename: "a.mp4",
    contentType: "video/mp4",
    clientMetadata: "",
    sizeBytes: 10,
    offset: 0,
    fence: 0,
    blocks: 0,
    createTime,
    expireTime: new Date(createTime.getTime() + 1000),
    createKey: `${createTime.toISOString()} ${_id}`,
    ...given,
  };
}

const pieceAt = (upload: string, offset: number, fence = 1, sizeBytes = 5): Piece => ({
  _id: pieceKey(upload, offset),
  schema: 1,
  upload,
  offset,
  fence,
  blocks: [{ id: `${fence}`, sha256: Buffer.alloc(32, fence), sizeBytes }],
});

/** What the upload service's repository does on every store. */
export function uploadRepositoryContract(store: TestStore): void {
  const open = () => openUploads(store.documents());

  test("an upload comes back as it was kept", async () => {
    const uploads = await open();
    const upload = keptUpload();
    expect(await uploads.insert(upload)).toEqual(upload);
    expect(await uploads.find(upload._id)).toEqual(upload);
    expect(await uploads.find("unknown")).toBeUndefined();
  });

  test("the same request of the same owner makes one upload, of another owner another", async () => {
    const uploads = await open();
    const owner = `users/${randomUUID()}`;
    const first = await uploads.insert(keptUpload({ owner, requestId: "r" }));
    expect(await uploads.insert(keptUpload({ owner, requestId: "r", title: "B" }))).toEqual(first);
    const other = keptUpload({ owner: `users/${randomUUID()}`, requestId: "r" });
    expect(await uploads.insert(other)).toEqual(other);
  });

  store.atomicTest("raced requests agree on one upload", async () => {
    const uploads = await open();
    const owner = `users/${randomUUID()}`;
    const made = await Promise.all(
      Array.from({ length: 8 }, () => uploads.insert(keptUpload({ owner, requestId: "r" }))),
    );
    expect(new Set(made.map(({ _id }) => _id)).size).toBe(1);
  });

  test("it advances only from where it is known to be", async () => {
    const uploads = await open();
    const upload = keptUpload({ offset: 3, fence: 2 });
    const { _id } = upload;
    await uploads.insert(upload);
    expect(await uploads.advance({ _id, state: "CREATING" }, { offset: 9 })).toBeUndefined();
    expect(await uploads.advance({ _id, state: "RECEIVING", offset: 2 }, { offset: 9 })).toBeUndefined();
    expect(await uploads.advance({ _id, state: "RECEIVING", fence: 1 }, { offset: 9 })).toBeUndefined();
    expect(await uploads.advance({ _id: "unknown", state: "RECEIVING" }, { offset: 9 })).toBeUndefined();
    const advanced = { ...upload, offset: 9 };
    expect(await uploads.advance({ _id, state: "RECEIVING", offset: 3, fence: 2 }, { offset: 9 })).toEqual(advanced);
    expect(await uploads.find(_id)).toEqual(advanced);
  });

  test("a writer raises the fence of a receiving upload, where it stands", async () => {
    const uploads = await open();
    const upload = keptUpload({ offset: 3 });
    await uploads.insert(upload);
    const later = new Date(CREATED.getTime() + 5000);
    expect(await uploads.openWrite(upload._id, 2, later)).toBeUndefined();
    expect(await uploads.openWrite(upload._id, 3, later)).toEqual({ ...upload, fence: 1, expireTime: later });
    expect(await uploads.openWrite(upload._id, 3, later)).toMatchObject({ fence: 2 });
    for (const state of ["CREATING", "FINISHING", "FINISHED", "REMOVING"] as const) {
      const other = keptUpload({ state });
      await uploads.insert(other);
      expect(await uploads.openWrite(other._id, 0, later)).toBeUndefined();
    }
  });

  store.atomicTest("writers at once each get a fence of their own", async () => {
    const uploads = await open();
    const upload = keptUpload();
    await uploads.insert(upload);
    const opened = await Promise.all(Array.from({ length: 8 }, () => uploads.openWrite(upload._id, 0, CREATED)));
    expect(new Set(opened.map((writer) => writer?.fence)).size).toBe(8);
  });

  test("a piece is replaced by the same or a later writer's, never by an earlier one's", async () => {
    const uploads = await open();
    const upload = randomUUID();
    const steps = [
      { kept: pieceAt(upload, 0, 2, 5), stands: pieceAt(upload, 0, 2, 5) },
      { kept: pieceAt(upload, 0, 2, 6), stands: pieceAt(upload, 0, 2, 6) },
      { kept: pieceAt(upload, 0, 3, 7), stands: pieceAt(upload, 0, 3, 7) },
      { kept: pieceAt(upload, 0, 2, 8), stands: pieceAt(upload, 0, 3, 7) },
    ];
    for (const { kept, stands } of steps) {
      await uploads.keepPiece(kept);
      expect(await uploads.findPiece(upload, 0)).toEqual(stands);
    }
    expect(await uploads.findPiece(upload, 5)).toBeUndefined();
  });

  test("all pieces of one upload come in their order, however many", async () => {
    const uploads = await open();
    const upload = randomUUID();
    const offsets = Array.from({ length: 101 }, (_, index) => index * 5);
    for (const offset of [...offsets].reverse()) await uploads.keepPiece(pieceAt(upload, offset));
    await uploads.keepPiece(pieceAt(randomUUID(), 7));
    expect((await uploads.pieces(upload)).map(({ offset }) => offset)).toEqual(offsets);
    await uploads.remove(upload);
    expect(await uploads.pieces(upload)).toEqual([]);
  });

  test("lists: an owner's unfinished ones, newest first, from a place on", async () => {
    const uploads = await open();
    const owner = `users/${randomUUID()}`;
    const made: Upload[] = [];
    for (const state of ["RECEIVING", "FINISHED", "FINISHING", "CREATING", "REMOVING", "RECEIVING"] as const)
      made.push(
        await uploads.insert(keptUpload({ owner, state, createTime: new Date(CREATED.getTime() + made.length) })),
      );
    await uploads.insert(keptUpload({ owner: `users/${randomUUID()}` }));
    const listed = (await uploads.listUnfinished(owner, undefined, 10)).map(({ _id }) => _id);
    expect(listed).toEqual([made[5]?._id, made[2]?._id, made[0]?._id]);
    expect((await uploads.listUnfinished(owner, made[2]?.createKey, 10)).map(({ _id }) => _id)).toEqual([made[0]?._id]);
    expect(await uploads.listUnfinished(owner, undefined, 1)).toHaveLength(1);
  });

  test("lists: those in a state, and of them those whose time is up", async () => {
    const uploads = await open();
    const early = keptUpload({ state: "REMOVING", expireTime: new Date(1000) });
    const late = keptUpload({ state: "REMOVING", expireTime: new Date(2000) });
    for (const upload of [late, early]) await uploads.insert(upload);
    const found = (list: readonly Upload[]) =>
      list.map(({ _id }) => _id).filter((_id) => [early._id, late._id].includes(_id));
    expect(found(await uploads.listIn("REMOVING", 100))).toEqual([early._id, late._id]);
    expect(found(await uploads.listIn("CREATING", 100))).toEqual([]);
    expect(found(await uploads.listExpired("REMOVING", new Date(1000), 100))).toEqual([early._id]);
    expect(found(await uploads.listExpired("REMOVING", new Date(999), 100))).toEqual([]);
    expect(await uploads.listIn("REMOVING", 1)).toHaveLength(1);
  });

  test("removing an upload removes it alone, and can be repeated", async () => {
    const uploads = await open();
    const upload = await uploads.insert(keptUpload());
    const other = await uploads.insert(keptUpload());
    for (const { _id } of [upload, other]) await uploads.keepPiece(pieceAt(_id, 0));
    await uploads.remove(upload._id);
    await uploads.remove(upload._id);
    expect(await uploads.find(upload._id)).toBeUndefined();
    expect(await uploads.pieces(upload._id)).toEqual([]);
    expect(await uploads.find(other._id)).toEqual(other);
    expect(await uploads.pieces(other._id)).toHaveLength(1);
  });
}
