import type {
  Block as BlockMessage,
  StoredObject as ObjectMessage,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { Block } from "./block.js";
import type { StoredObject } from "./object-store.js";

/** An object as the contract says it. */
export function objectMessage(object: StoredObject, blocks: readonly Block[] = []): ObjectMessage {
  const { name, size, etag, contentType, composite, createTime } = object;
  const compositeSha256 = view(composite);
  return {
    name,
    sizeBytes: BigInt(size),
    etag,
    contentType,
    compositeSha256,
    createTime,
    blocks: blocks.map(blockMessage),
  };
}

/** A block as the contract says it. */
export function blockMessage({ id, sha256, size }: Block): BlockMessage {
  return { id, sha256: view(sha256), sizeBytes: BigInt(size) };
}

function view({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
