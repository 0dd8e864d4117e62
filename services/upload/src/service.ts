import { mintCapability } from "@reelmesh/mesh/capability.js";
import type { CallContext } from "@reelmesh/mesh/call.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { invalidField, pageSize, requestId, resourceId } from "@reelmesh/mesh/fields.js";
import type { Implementation } from "@reelmesh/mesh/module.js";
import type { PageTokens } from "@reelmesh/mesh/page-token.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { UploadServiceDefinition } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { customAlphabet } from "nanoid";
import type { UploadConfig } from "./config.js";
import type { Finishing } from "./finishing.js";
import { readBlocks, readNewUpload } from "./input.js";
import { toMessage } from "./mapping.js";
import type { UploadRepository } from "./repository.js";
import {
  assertFitsBlocks,
  blockSize,
  notFound,
  objectOf,
  pieceKey,
  totalSize,
  type StagedBlock,
  type Upload,
} from "./upload.js";

const WRITE_MS = 24 * 3600_000;

const newId = customAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 21);

/** The upload service's RPCs over its uploads. */
export function createUploadService(parts: {
  uploads: UploadRepository;
  finishing: Finishing;
  pages: PageTokens;
  keys: Keys;
  config: Pick<UploadConfig, "maxBytes" | "keepMs">;
  /** Called when an upload needs the reconciling loop. */
  nudge: () => void;
}): Implementation<typeof UploadServiceDefinition> {
  const { uploads, finishing, pages, keys, config, nudge } = parts;
  const expiry = () => new Date(Date.now() + config.keepMs);

  /** The caller's upload of this name. */
  const load = async (name: string, context: CallContext) => {
    const id = resourceId("name", name, "uploads/*");
    const upload = await uploads.find(id);
    if (upload?.owner !== ownerOf(context) || upload.state === "REMOVING") throw notFound(id);
    return upload;
  };

  /** Takes an upload's next step at once where possible; what is cut short is taken up by the loop. */
  const finish = async (upload: Upload, context: CallContext) => {
    try {
      return await finishing.finish(upload, context);
    } catch (error) {
      context.log.warn({ err: error }, "an upload's bytes are in, and it will be finished later");
      nudge();
      return upload;
    }
  };

  return {
    async createUpload(request, context) {
      const owner = ownerOf(context);
      const given = readNewUpload(request, config.maxBytes);
      const id = newId();
      const createTime = new Date();
      const upload = await uploads.insert({
        _id: id,
        schema: 1,
        requestId: request.requestId === "" ? id : requestId(request.requestId),
        owner,
        state: "CREATING",
        video: "",
        ...given,
        offset: 0,
        fence: 0,
        blocks: 0,
        createTime,
        expireTime: expiry(),
        createKey: `${createTime.toISOString()} ${id}`,
      });
      const begun = upload.state === "CREATING" ? await finishing.begin(upload, context) : upload;
      return toMessage(begun.state === "FINISHING" ? await finish(begun, context) : begun);
    },

    async getUpload({ name }, context) {
      return toMessage(await load(name, context));
    },

    async listUploads(request, context) {
      const owner = ownerOf(context);
      const limit = pageSize(request.pageSize, { default: 24, max: 100 });
      const list = `uploads of ${owner}`;
      const [before] = pages.read(list, request.pageToken) ?? [];
      const found = await uploads.listUnfinished(owner, before, limit + 1);
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        uploads: found.slice(0, limit).map(toMessage),
        nextPageToken: last ? pages.make(list, [last.createKey]) : "",
      };
    },

    async openWrite({ name, offset }, context) {
      const known = await load(name, context);
      if (known.expireTime <= new Date()) throw notFound(known._id);
      assertFitsBlocks(known);
      const upload = await uploads.openWrite(known._id, toOffset(offset), expiry());
      if (!upload) throw await whyNotAt(known._id);
      const object = objectOf(upload);
      const expires = new Date(Date.now() + WRITE_MS);
      return {
        upload: toMessage(upload),
        fence: BigInt(upload.fence),
        capability: mintCapability(keys, { opens: object, verbs: ["write"], expires, fence: upload.fence }),
        object,
        blockSizeBytes: BigInt(blockSize(upload.sizeBytes)),
      };
    },

    async recordBlocks(request, context) {
      const known = await load(request.name, context);
      const blocks = readBlocks(request);
      const offset = toOffset(request.offset);
      const fence = Number(request.fence);
      const recorded = await record(known, { offset, fence, blocks });
      return toMessage(recorded.state === "FINISHING" ? await finish(recorded, context) : recorded);
    },

    async deleteUpload({ name }, context) {
      const id = resourceId("name", name, "uploads/*");
      const upload = await uploads.find(id);
      if (upload?.owner !== ownerOf(context)) return {};
      const { state } = upload;
      if (state === "FINISHING" || state === "FINISHED") {
        throw new DomainError("WRONG_STATE", {
          resource: name,
          state,
          problem: "all its bytes are in; delete the video instead",
        });
      }
      const removing = await uploads.advance({ _id: id, state }, { state: "REMOVING" });
      if (!removing && state !== "REMOVING") throw new DomainError("WRITE_SUPERSEDED", { resource: name });
      await finishing.remove({ ...upload, state: "REMOVING" }, context);
      return {};
    },
  };

  /** Keeps the blocks, then moves the offset, so that an offset that was told is always backed by its blocks. */
  async function record(
    known: Upload,
    piece: { offset: number; fence: number; blocks: StagedBlock[] },
  ): Promise<Upload> {
    const { _id, sizeBytes } = known;
    const { offset, fence, blocks } = piece;
    const end = offset + totalSize(blocks);
    if (end > sizeBytes)
      throw new DomainError("TOO_LARGE", { resource: `uploads/${_id}`, limit_bytes: String(sizeBytes) });
    // The same record again, whose answer was lost.
    if (known.fence === fence && known.offset === end) return known;
    if (known.fence !== fence) throw new DomainError("WRITE_SUPERSEDED", { resource: `uploads/${_id}` });
    assertFitsBlocks({ ...known, offset: end, blocks: known.blocks + blocks.length });
    const kept = await uploads.keepPiece({ _id: pieceKey(_id, offset), upload: _id, offset, fence, blocks });
    if (!kept) throw new DomainError("WRITE_SUPERSEDED", { resource: `uploads/${_id}` });
    const state = end === sizeBytes ? "FINISHING" : "RECEIVING";
    const advanced = await uploads.advance(
      { _id, state: "RECEIVING", offset, fence },
      { offset: end, state, blocks: known.blocks + blocks.length, expireTime: expiry() },
    );
    if (!advanced) throw await whyNotAt(_id, fence);
    return advanced;
  }

  /** Why an upload was not where a writer believed it. */
  async function whyNotAt(id: string, fence?: number): Promise<DomainError> {
    const upload = await uploads.find(id);
    if (!upload || upload.state === "REMOVING") return notFound(id);
    const resource = `uploads/${id}`;
    if (fence !== undefined && upload.fence !== fence) return new DomainError("WRITE_SUPERSEDED", { resource });
    return new DomainError("OFFSET_MISMATCH", { resource, offset: String(upload.offset) });
  }
}

function ownerOf({ principal }: CallContext): string {
  if (!principal) throw new DomainError("SIGN_IN_REQUIRED");
  return principal.name;
}

function toOffset(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField("offset", "must be from 0 to 2^53");
  return Number(offset);
}
