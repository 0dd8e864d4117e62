import { DomainError } from "@reelmesh/mesh/errors.js";
import type { UploadRepository } from "./repository.js";
import { assertFitsBlocks, isSamePiece, notFound, totalSize, type Piece, type Upload } from "./upload.js";

/** Who writes an upload, and which of its bytes count as written. */
export interface Writes {
  /**
   * Makes whoever asks the upload's writer from `offset` on.
   *
   * @throws DomainError OFFSET_MISMATCH, TOO_MANY_PIECES, RESOURCE_NOT_FOUND
   */
  open(known: Upload, offset: number): Promise<Upload>;
  /**
   * Counts a piece in. The last one makes the upload FINISHING.
   *
   * @throws DomainError WRITE_SUPERSEDED, OFFSET_MISMATCH, TOO_LARGE, TOO_MANY_PIECES, RESOURCE_NOT_FOUND
   */
  record(known: Upload, piece: Piece): Promise<Upload>;
}

/** @param expiry until when an upload is kept that somebody writes to now. */
export function createWrites(uploads: UploadRepository, expiry: () => Date): Writes {
  /** Why an upload was not where a writer believed it. */
  const whyNotAt = async (id: string, fence?: number): Promise<DomainError> => {
    const upload = await uploads.find(id);
    if (!upload || upload.state === "REMOVING") return notFound(id);
    const resource = `uploads/${id}`;
    if (fence !== undefined && upload.fence !== fence) return new DomainError("WRITE_SUPERSEDED", { resource });
    return new DomainError("OFFSET_MISMATCH", { resource, offset: String(upload.offset) });
  };

  /** Whether the same record came before, and its answer was lost. */
  const isRecorded = async (piece: Piece): Promise<boolean> => {
    const kept = await uploads.findPiece(piece.upload, piece.offset);
    return kept !== undefined && isSamePiece(kept, piece);
  };

  return {
    async open(known, offset) {
      assertFitsBlocks(known);
      const opened = await uploads.openWrite(known._id, offset, expiry());
      if (!opened) throw await whyNotAt(known._id);
      return opened;
    },

    async record(known, piece) {
      const { _id, sizeBytes } = known;
      const { offset, fence } = piece;
      const end = offset + totalSize(piece.blocks);
      const blocks = known.blocks + piece.blocks.length;
      const resource = `uploads/${_id}`;
      if (known.fence !== fence) throw new DomainError("WRITE_SUPERSEDED", { resource });
      if (end <= known.offset && (await isRecorded(piece))) return known;
      if (offset !== known.offset) throw await whyNotAt(_id, fence);
      if (end > sizeBytes) throw new DomainError("TOO_LARGE", { resource, limit_bytes: String(sizeBytes) });
      assertFitsBlocks({ ...known, offset: end, blocks });
      // The piece first, so that an offset that was told is always backed by its blocks.
      await uploads.keepPiece(piece);
      const state = end === sizeBytes ? "FINISHING" : "RECEIVING";
      const here = { _id, state: "RECEIVING", offset, fence } as const;
      const advanced = await uploads.advance(here, { offset: end, state, blocks, expireTime: expiry() });
      if (!advanced) throw await whyNotAt(_id, fence);
      return advanced;
    },
  };
}
