import type { Data } from "@reelmesh/documents/data.js";
import { DuplicateKeyError } from "@reelmesh/documents/errors.js";
import { pieceKey, type Piece, type Upload, type UploadState } from "./upload.js";

/** The uploads as they are kept. Every method throws DomainError STORE_UNAVAILABLE when the store does not answer. */
export interface UploadRepository {
  find(id: string): Promise<Upload | undefined>;
  /** Keeps a new upload and returns it; or returns the owner's upload that was made by the same request. */
  insert(upload: Upload): Promise<Upload>;
  /** Changes an upload if it is as `known` says, and returns it as it is then; else undefined. */
  advance(known: Known, change: Partial<Omit<Upload, "_id">>): Promise<Upload | undefined>;
  /** Raises the fence of a receiving upload that stands at `offset`. */
  openWrite(id: string, offset: number, expireTime: Date): Promise<Upload | undefined>;
  /** The piece at an offset. */
  findPiece(upload: string, offset: number): Promise<Piece | undefined>;
  /** Keeps a piece, unless a later writer's stands in its place. */
  keepPiece(piece: Piece): Promise<void>;
  /** An upload's pieces, in their order. */
  pieces(upload: string): Promise<Piece[]>;
  /** An owner's unfinished uploads, newest first, before `key`. */
  listUnfinished(owner: string, before: string | undefined, limit: number): Promise<Upload[]>;
  /** Uploads in a state. */
  listIn(state: UploadState, limit: number): Promise<Upload[]>;
  /** Uploads in a state whose time is up. */
  listExpired(state: UploadState, now: Date, limit: number): Promise<Upload[]>;
  /** Removes an upload and its pieces. */
  remove(id: string): Promise<void>;
}

/** How many pieces are read at once. */
const PAGE = 100;

/** What must hold of an upload for a change to apply. */
export type Known = Pick<Upload, "_id" | "state"> & Partial<Pick<Upload, "offset" | "fence">>;

/** Opens the collections of uploads and their pieces. */
export async function openUploads(data: Data): Promise<UploadRepository> {
  const uploads = await data.collection<Upload>("uploads", {
    indexes: [
      { keys: { owner: 1, requestId: 1 }, unique: true },
      { keys: { owner: 1, state: 1, createKey: -1 } },
      { keys: { state: 1, expireTime: 1 } },
    ],
    // The blocks of an upload under way are in no backup.
    isLasting: ({ state }) => state === "FINISHED",
  });
  const pieces = await data.collection<Piece>("pieces", {
    indexes: [{ keys: { upload: 1, offset: 1 } }],
    isLasting: () => false,
  });

  return {
    find: (id) => uploads.findOne({ _id: id }),
    async insert(upload) {
      try {
        await uploads.insertOne(upload);
        return upload;
      } catch (error) {
        const { owner, requestId } = upload;
        const made = error instanceof DuplicateKeyError && (await uploads.findOne({ owner, requestId }));
        if (made) return made;
        throw error;
      }
    },
    advance: (known, change) => uploads.findOneAndUpdate(known, { $set: change }),
    openWrite: (id, offset, expireTime) =>
      uploads.findOneAndUpdate({ _id: id, state: "RECEIVING", offset }, { $inc: { fence: 1 }, $set: { expireTime } }),
    findPiece: (upload, offset) => pieces.findOne({ _id: pieceKey(upload, offset) }),
    async keepPiece({ _id, ...piece }) {
      try {
        await pieces.findOneAndUpdate({ _id, fence: { $lte: piece.fence } }, { $set: piece }, { upsert: true });
      } catch (error) {
        if (!(error instanceof DuplicateKeyError)) throw error;
      }
    },
    async pieces(upload) {
      const all: Piece[] = [];
      for (;;) {
        const from = all.at(-1)?.offset ?? -1;
        const page = await pieces.find({ upload, offset: { $gt: from } }, { sort: { offset: 1 }, limit: PAGE });
        all.push(...page);
        if (page.length < PAGE) return all;
      }
    },
    listUnfinished: (owner, before, limit) =>
      uploads.find(
        {
          owner,
          state: { $in: ["RECEIVING", "FINISHING"] },
          ...(before === undefined ? {} : { createKey: { $lt: before } }),
        },
        { sort: { createKey: -1 }, limit },
      ),
    listIn: (state, limit) => uploads.find({ state }, { sort: { expireTime: 1 }, limit }),
    listExpired: (state, now, limit) =>
      uploads.find({ state, expireTime: { $lte: now } }, { sort: { expireTime: 1 }, limit }),
    async remove(id) {
      await pieces.deleteMany({ upload: id });
      await uploads.deleteOne({ _id: id });
    },
  };
}
