import { createHash } from "node:crypto";
import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type {
  OpenWriteResponse,
  StagedBlock,
  Upload,
  UploadServiceDefinition,
} from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";

/** So many blocks are recorded together: what a killed edge may lose of a body, in blocks. */
const RECORD_EVERY = 16;

/** Cuts a body into blocks, stages them, and records what is staged. Holds one block, and another on its way. */
export interface BlockWriter {
  /** Takes the next bytes; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stages what is left and records everything. */
  finish(): Promise<Upload>;
  /** Records what was staged before something failed, as far as that can be done. */
  keep(): Promise<void>;
}

/**
 * A writer for one opened write.
 *
 * @param options.hold record nothing before `finish`, for a body that counts only as a whole.
 */
export function createBlockWriter(
  opened: OpenWriteResponse & { readonly upload: Upload },
  clients: { storage: Client<typeof StorageServiceDefinition>; uploads: Client<typeof UploadServiceDefinition> },
  scope: CallScope,
  options: { hold: boolean },
): BlockWriter {
  const { fence, capability, object } = opened;
  const blockSize = Number(opened.blockSizeBytes);
  let upload = opened.upload;
  let filling = Buffer.allocUnsafeSlow(blockSize);
  let filled = 0;
  let nextBlock = 0;
  let staging: Promise<void> = Promise.resolve();
  let staged: StagedBlock[] = [];

  const record = async () => {
    while (staged.length > 0) {
      const blocks = staged.slice(0, RECORD_EVERY);
      upload = await clients.uploads.recordBlocks(
        { name: upload.name, fence, offset: upload.offsetBytes, blocks },
        scope,
      );
      staged = staged.slice(blocks.length);
    }
  };

  const stage = async (data: Buffer, number: number) => {
    const id = `${hex8(Number(fence))}-${hex8(number)}`;
    const sha256 = createHash("sha256").update(data).digest();
    await clients.storage.stageBlock({ capability, object, blockId: id, sha256, data }, scope);
    staged.push({ id, sha256, sizeBytes: BigInt(data.length) });
    if (!options.hold && staged.length >= RECORD_EVERY) await record();
  };

  /** Sends the block on its way once the one before has arrived. */
  const flush = async () => {
    await staging;
    if (filled === 0) return;
    staging = stage(filling.subarray(0, filled), nextBlock++);
    // It is awaited with the next block; until then a failure must not count as unhandled.
    staging.catch(() => undefined);
    filling = Buffer.allocUnsafeSlow(blockSize);
    filled = 0;
  };

  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length;) {
        const taken = Math.min(bytes.length - from, blockSize - filled);
        filling.set(bytes.subarray(from, from + taken), filled);
        filled += taken;
        from += taken;
        if (filled === blockSize) await flush();
      }
    },
    async finish() {
      await flush();
      await staging;
      await record();
      return upload;
    },
    async keep() {
      if (options.hold) return;
      await Promise.allSettled([staging]);
      await Promise.allSettled([record()]);
    },
  };
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}
