import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { Tokens } from "@reelmesh/mesh/tokens.js";
import {
  Video,
  Visibility,
  type CatalogServiceDefinition,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { UploadRepository } from "./repository.js";
import { chainBlocks, objectOf, type Upload, type UploadVisibility } from "./upload.js";

/** The steps that lead an upload to its end. Each can be repeated, so that a crash between two costs only time. */
export interface Finishing {
  /** Makes the video of an upload that has none: CREATING -> RECEIVING, or FINISHING when there are no bytes to come. */
  begin(upload: Upload, scope: CallScope): Promise<Upload>;
  /** Commits the object and tells the catalogue: FINISHING -> FINISHED, or gone when the video is. */
  finish(upload: Upload, scope: CallScope): Promise<Upload>;
  /** Removes an upload with its bytes and its video, after REMOVING is written. */
  remove(upload: Upload, scope: CallScope): Promise<void>;
}

const STEP_MS = 5 * 60_000;
const VISIBILITY: Readonly<Record<UploadVisibility, Visibility>> = {
  PUBLIC: Visibility.PUBLIC,
  UNLISTED: Visibility.UNLISTED,
  MEMBERS: Visibility.MEMBERS,
  PRIVATE: Visibility.PRIVATE,
};

/** The steps over the catalogue and storage. */
export function createFinishing(parts: {
  uploads: UploadRepository;
  catalog: Client<typeof CatalogServiceDefinition>;
  storage: Client<typeof StorageServiceDefinition>;
  keys: Keys;
  tokens: Tokens;
}): Finishing {
  const { uploads, catalog, storage, keys, tokens } = parts;

  const capability = (upload: Upload, verbs: readonly Verb[]) =>
    mintCapability(keys, { opens: objectOf(upload), verbs, expires: new Date(Date.now() + STEP_MS) });

  /** Work done for an owner who is not there to ask for it. */
  const asOwner = async ({ owner }: Upload, scope: CallScope): Promise<CallScope> => {
    const principal = { name: owner };
    return { ...scope, principal, principalToken: await tokens.forPrincipal(principal, STEP_MS / 1000) };
  };

  const makeVideo = async (upload: Upload, scope: CallScope) => {
    const { title, visibility, sizeBytes, _id: requestId } = upload;
    const video = Video.fromPartial({ title, visibility: VISIBILITY[visibility], sizeBytes: BigInt(sizeBytes) });
    const { name } = await catalog.createVideo({ video, requestId }, await asOwner(upload, scope));
    return name;
  };

  const removeBytes = async (upload: Upload, scope: CallScope) => {
    const rights = { capability: capability(upload, ["delete"]), object: objectOf(upload) };
    await storage.deleteObject(rights, scope);
  };

  return {
    async begin(upload, scope) {
      const video = await makeVideo(upload, scope);
      const state = upload.sizeBytes === 0 ? "FINISHING" : "RECEIVING";
      return (
        (await uploads.advance({ _id: upload._id, state: "CREATING" }, { video, state })) ?? { ...upload, video, state }
      );
    },

    async finish(upload, scope) {
      const blocks = chainBlocks(upload, await uploads.pieces(upload._id));
      const object = await storage.commitBlocks(
        {
          capability: capability(upload, ["write"]),
          object: objectOf(upload),
          blocks: blocks.map((block) => ({
            ...block,
            sha256: Buffer.from(block.sha256),
            sizeBytes: BigInt(block.sizeBytes),
          })),
          contentType: upload.contentType,
          precondition: { $case: "createOnly", value: true },
        },
        scope,
      );
      const { name: objectName, etag: objectEtag, sizeBytes, compositeSha256 } = object;
      const { contentType, filename } = upload;
      const source = { object: objectName, objectEtag, sizeBytes, contentType, filename, compositeSha256 };
      try {
        await catalog.markUploaded({ name: upload.video, source }, scope);
      } catch (error) {
        // The video was deleted while its bytes were coming in.
        if (!isDomainError(error, "RESOURCE_NOT_FOUND", "WRONG_STATE")) throw error;
        await removeBytes(upload, scope);
      }
      const finished = await uploads.advance({ _id: upload._id, state: "FINISHING" }, { state: "FINISHED" });
      return finished ?? { ...upload, state: "FINISHED" };
    },

    async remove(upload, scope) {
      // An upload that never learned of its video may have one all the same; asking again finds it.
      const video = upload.video === "" ? await makeVideo(upload, scope) : upload.video;
      await removeBytes({ ...upload, video }, scope);
      try {
        await catalog.deleteVideo({ name: video }, await asOwner(upload, scope));
      } catch (error) {
        if (!isDomainError(error, "RESOURCE_NOT_FOUND")) throw error;
      }
      await uploads.remove(upload._id);
    },
  };
}
