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
import { blockSize, CREATING_MS, notFound, objectOf, pieceKey, type Upload } from "./upload.js";
import { createWrites } from "./writes.js";

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
  const writes = createWrites(uploads, expiry);

  /** The caller's upload of this name. */
  const load = async (name: string, context: CallContext) => {
    const id = resourceId("name", name, "uploads/*");
    const upload = await uploads.find(id);
    if (upload?.owner !== ownerOf(context) || upload.state === "REMOVING") throw notFound(id);
    return upload;
  };

  /** Keeps a new upload, or finds the one that the same request made; one on its way out is seen out first. */
  const keep = async (upload: Upload, context: CallContext): Promise<Upload> => {
    const kept = await uploads.insert(upload);
    if (kept.state !== "REMOVING") return kept;
    await finishing.remove(kept, context);
    return keep(upload, context);
  };

  /** Takes an upload's last step at once where possible; what is cut short is taken up by the loop. */
  const finish = async (upload: Upload, context: CallContext) => {
    if (upload.state !== "FINISHING") return upload;
    const finished = await finishing.finish(upload, context).catch((error: unknown) => {
      context.log.warn({ err: error }, "an upload's bytes are in, and it will be finished later");
      nudge();
      return upload;
    });
    if (!finished) throw notFound(upload._id);
    return finished;
  };

  /** Decides that an unfinished upload is removed; undefined when it is gone already. */
  const condemn = async (id: string, owner: string): Promise<Upload | undefined> => {
    const upload = await uploads.find(id);
    if (upload?.owner !== owner) return undefined;
    const { state } = upload;
    if (state === "FINISHING" || state === "FINISHED") {
      const problem = "all its bytes are in; delete the video instead";
      throw new DomainError("WRONG_STATE", { resource: `uploads/${id}`, state, problem });
    }
    // Its state changed meanwhile where this finds nothing.
    return (await uploads.advance({ _id: id, state }, { state: "REMOVING" })) ?? condemn(id, owner);
  };

  return {
    async createUpload(request, context) {
      const owner = ownerOf(context);
      const given = readNewUpload(request, config.maxBytes);
      const id = newId();
      const createTime = new Date();
      const upload: Upload = {
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
        expireTime: new Date(createTime.getTime() + CREATING_MS),
        createKey: `${createTime.toISOString()} ${id}`,
      };
      const kept = await keep(upload, context);
      const begun = kept.state === "CREATING" ? await finishing.begin(kept, expiry(), context) : kept;
      return toMessage(await finish(begun, context));
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
      const upload = await writes.open(known, toOffset(offset));
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
      const _id = pieceKey(known._id, offset);
      const recorded = await writes.record(known, {
        _id,
        schema: 1,
        upload: known._id,
        offset,
        fence: Number(request.fence),
        blocks,
      });
      return toMessage(await finish(recorded, context));
    },

    async deleteUpload({ name }, context) {
      const condemned = await condemn(resourceId("name", name, "uploads/*"), ownerOf(context));
      if (!condemned) return {};
      try {
        await finishing.remove(condemned, context);
      } catch (error) {
        context.log.warn({ err: error }, "an upload has ended, and what is left of it will be removed later");
        nudge();
      }
      return {};
    },
  };
}

function ownerOf({ principal }: CallContext): string {
  if (!principal) throw new DomainError("SIGN_IN_REQUIRED");
  return principal.name;
}

function toOffset(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField("offset", "must be from 0 to 2^53");
  return Number(offset);
}
