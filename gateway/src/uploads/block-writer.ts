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

/** The services that uploads go through. */
export interface UploadClients {
  readonly uploads: Client<typeof UploadServiceDefinition>;
  readonly storage: Client<typeof StorageServiceDefinition>;
}

/** The scope of the next call. A body may take longer to come than a principal's token lasts. */
export type NextScope = () => Promise<CallScope>;

/** Cuts a body into blocks, stages them, and records what is staged. Holds one block, and another on its way. */
export interface BlockWriter {
  /** Takes the next bytes; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stages what is left and records everything. */
  finish(): Promise<Upload>;
  /** Records what was staged before something failed, as far as that can be done. */
  keep(): Promise<void>;
}

/** What is staged is recorded every so many blocks, and this long after the last time: what a killed edge may lose. */
const RECORD_BLOCKS = 16;
const RECORD_MS = 1_000;
/** UploadService.RecordBlocks takes no more at once. */
const MOST_AT_ONCE = 256;

/**
 * A writer for one opened write.
 *
 * @param options.hold record nothing before `finish`, for a body that counts only as a whole.
 */
export function createBlockWriter(
  opened: OpenWriteResponse & { readonly upload: Upload },
  { storage, uploads }: UploadClients,
  nextScope: NextScope,
  options: { hold: boolean },
): BlockWriter {
  const { fence, capability, object } = opened;
  let { upload } = opened;
  const missing = Math.max(1, Number(upload.sizeBytes - upload.offsetBytes));
  const blockSize = Math.min(Number(opened.blockSizeBytes), missing);
  // Two buffers take turns: one for each block would make the garbage collector work harder than the disk.
  let filling = Buffer.allocUnsafeSlow(blockSize);
  let resting: typeof filling | undefined;
  let filled = 0;
  let nextBlock = 0;
  let staging: Promise<void> = Promise.resolve();
  let staged: StagedBlock[] = [];
  let recordedMs = Date.now();

  const record = async () => {
    while (staged.length > 0) {
      const blocks = staged.slice(0, MOST_AT_ONCE);
      const written = { name: upload.name, fence, offset: upload.offsetBytes, blocks };
      upload = await uploads.recordBlocks(written, await nextScope());
      staged = staged.slice(blocks.length);
    }
    recordedMs = Date.now();
  };

  const stage = async (data: Buffer, number: number) => {
    const id = `${hex8(Number(fence))}-${hex8(number)}`;
    const sha256 = createHash("sha256").update(data).digest();
    await storage.stageBlock({ capability, object, blockId: id, sha256, data }, await nextScope());
    staged.push({ id, sha256, sizeBytes: BigInt(data.length) });
    const due = staged.length >= RECORD_BLOCKS || Date.now() - recordedMs >= RECORD_MS;
    if (due && !options.hold) await record();
  };

  /** Sends the block on its way once the one before has arrived. */
  const flush = async () => {
    await staging;
    if (filled === 0) return;
    staging = stage(filling.subarray(0, filled), nextBlock++);
    // It is awaited with the next block; until then a failure must not count as unhandled.
    staging.catch(() => undefined);
    const used = filling;
    filling = resting ?? Buffer.allocUnsafeSlow(blockSize);
    resting = used;
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
