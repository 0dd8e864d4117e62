import { DomainError } from "@reelmesh/mesh/errors.js";

/**
 * Where an upload is in its life. CREATING: its video is not known yet. RECEIVING: bytes are missing. FINISHING: all
 * are in, the object and the video are being told. FINISHED. REMOVING: what is left of it is being removed.
 */
export type UploadState = "CREATING" | "RECEIVING" | "FINISHING" | "FINISHED" | "REMOVING";

/** An upload as it is kept. */
export interface Upload {
  /** The id, the part of the name after `uploads/`. */
  readonly _id: string;
  readonly schema: 1;
  readonly requestId: string;
  readonly owner: string;
  readonly state: UploadState;
  /** `videos/{video}`; empty while CREATING. */
  readonly video: string;
  readonly title: string;
  readonly visibility: UploadVisibility;
  readonly filename: string;
  readonly contentType: string;
  readonly clientMetadata: string;
  readonly sizeBytes: number;
  /** How many bytes are safe. */
  readonly offset: number;
  /** Raised by every new writer; what an earlier one records is refused. */
  readonly fence: number;
  /** How many blocks it has come in so far. */
  readonly blocks: number;
  readonly createTime: Date;
  readonly expireTime: Date;
  /** Its place among its owner's uploads. */
  readonly createKey: string;
}

/** Who may see the video, by the catalogue's names. */
export type UploadVisibility = "PUBLIC" | "UNLISTED" | "MEMBERS" | "PRIVATE";

/** A block that a writer staged. */
export interface StagedBlock {
  readonly id: string;
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
}

/** The blocks that were recorded together, from `offset` on. */
export interface Piece {
  /** `{upload}/{offset}`, the offset in 16 digits: one piece a place, and they sort. */
  readonly _id: string;
  readonly schema: 1;
  readonly upload: string;
  readonly offset: number;
  readonly fence: number;
  readonly blocks: readonly StagedBlock[];
}

/** How long making an upload's video may take, far beyond any call's deadline; then nobody waits for it any longer. */
export const CREATING_MS = 2 * 60_000;
/** As many blocks as storage takes for one object. */
export const MOST_BLOCKS = 50_000;
const MIB = 2 ** 20;
const LARGEST_BLOCK = 4 * MIB;

/** How large an upload's blocks should be: small enough to hold a few in memory, few enough for storage. */
export function blockSize(sizeBytes: number): number {
  return sizeBytes <= 64 * 1024 * MIB ? 2 * MIB : LARGEST_BLOCK;
}

/** The object that an upload becomes. */
export function objectOf(upload: Pick<Upload, "video">): string {
  return upload.video.replace(/^videos\//, "sources/");
}

/** The key of the piece at an offset. */
export function pieceKey(upload: string, offset: number): string {
  return `${upload}/${String(offset).padStart(16, "0")}`;
}

/** Whether the same blocks were recorded by the same writer. */
export function isSamePiece(one: Piece, other: Piece): boolean {
  return (
    one.fence === other.fence &&
    one.offset === other.offset &&
    one.blocks.length === other.blocks.length &&
    one.blocks.every((block, index) => isSameBlock(block, other.blocks[index]))
  );
}

function isSameBlock(one: StagedBlock, other: StagedBlock | undefined): boolean {
  return one.id === other?.id && one.sizeBytes === other.sizeBytes && Buffer.compare(one.sha256, other.sha256) === 0;
}

/** How many bytes blocks hold. */
export function totalSize(blocks: readonly StagedBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
}

/**
 * Refuses an upload that would not fit into storage's blocks: each interruption costs one, and what is still missing
 * needs some too.
 *
 * @throws DomainError TOO_MANY_PIECES
 */
export function assertFitsBlocks(upload: Pick<Upload, "_id" | "blocks" | "sizeBytes" | "offset">): void {
  const needed = Math.ceil((upload.sizeBytes - upload.offset) / blockSize(upload.sizeBytes));
  if (upload.blocks + needed <= MOST_BLOCKS) return;
  const problem = `it may come in at most ${MOST_BLOCKS}; start it again with larger ones`;
  throw new DomainError("TOO_MANY_PIECES", { resource: `uploads/${upload._id}`, problem });
}

/**
 * The blocks of an upload in their order, out of its pieces. A piece that a crash left beyond what was acknowledged
 * has no place in the chain and is passed over.
 *
 * @throws Error when the chain does not reach the upload's size: the store lost what it acknowledged.
 */
export function chainBlocks(upload: Pick<Upload, "_id" | "sizeBytes">, pieces: readonly Piece[]): StagedBlock[] {
  const byOffset = new Map(pieces.map((piece) => [piece.offset, piece]));
  const chain: StagedBlock[] = [];
  let offset = 0;
  while (offset < upload.sizeBytes) {
    const piece = byOffset.get(offset);
    if (!piece) throw new Error(`Upload ${upload._id} lost the piece at ${offset}`);
    chain.push(...piece.blocks);
    offset += totalSize(piece.blocks);
  }
  return chain;
}

/** A title out of a file's name: `my_holiday-2024.mp4` is `my holiday-2024`. */
export function titleOf(filename: string): string {
  const base = filename.replace(/^.*[/\\]/, "").replace(/\.[A-Za-z0-9]{1,5}$/, "");
  const words = base.replace(/[_\s]+/g, " ").trim();
  return Array.from(words).slice(0, 200).join("") || "Untitled";
}

/** Says that an upload is not there, or not for the one who asks. */
export function notFound(id: string): DomainError {
  return new DomainError("RESOURCE_NOT_FOUND", { resource: `uploads/${id}` });
}
