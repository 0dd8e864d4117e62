import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { Tokens } from "@reelmesh/mesh/tokens.js";
import {
  Action,
  Video,
  Visibility,
  type CatalogServiceDefinition,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { UploadRepository } from "./repository.js";
import { chainBlocks, notFound, objectOf, type Upload, type UploadVisibility } from "./upload.js";

/** The steps that lead an upload to its end. Each can be repeated, so that a crash between two costs only time. */
export interface Finishing {
  /**
   * Makes the video of an upload that has none: CREATING -> RECEIVING, or FINISHING when there are no bytes to come.
   *
   * @throws DomainError RESOURCE_NOT_FOUND when the upload was removed meanwhile.
   */
  begin(upload: Upload, expireTime: Date, scope: CallScope): Promise<Upload>;
  /**
   * Commits the object and tells the catalogue: FINISHING -> FINISHED. Undefined when the video was deleted while its
   * bytes came in: then the upload is gone too.
   */
  finish(upload: Upload, scope: CallScope): Promise<Upload | undefined>;
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
  /** Called with the name of a video whose bytes are all in, perhaps more than once. */
  onFinished: (video: string) => void;
}): Finishing {
  const { uploads, catalog, storage, keys, tokens, onFinished } = parts;

  const capability = (upload: Pick<Upload, "video">, verbs: readonly Verb[]) =>
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

  /** Makes the object of its blocks. Repeated, it finds the object made. */
  const commit = async (upload: Upload, scope: CallScope) => {
    const blocks = chainBlocks(upload, await uploads.pieces(upload._id));
    return storage.commitBlocks(
      {
        capability: capability(upload, ["write"]),
        object: objectOf(upload),
        blocks: blocks.map(({ id, sha256, sizeBytes }) => ({
          id,
          sha256: Buffer.from(sha256),
          sizeBytes: BigInt(sizeBytes),
        })),
        contentType: upload.contentType,
        precondition: { $case: "createOnly", value: true },
      },
      scope,
    );
  };

  const deliver = async (upload: Upload, scope: CallScope) => {
    const { name: object, etag: objectEtag, sizeBytes, compositeSha256 } = await commit(upload, scope);
    const { contentType, filename } = upload;
    const source = { object, objectEtag, sizeBytes, contentType, filename, compositeSha256 };
    await catalog.markUploaded({ name: upload.video, source }, scope);
  };

  /** Whether a delivery failed because nobody waits for it any longer. */
  const isUnwanted = async (error: unknown, { video }: Upload, scope: CallScope) => {
    if (isDomainError(error, "WRONG_STATE")) return error.metadata.state === "DELETED";
    // With a video that is gone the sweep takes its source, and then there is nothing to commit either.
    const isMissing = isDomainError(error, "RESOURCE_NOT_FOUND", "BLOCK_NOT_STAGED");
    return isMissing && !(await isKnown(catalog, video, scope));
  };

  const remove = async (upload: Upload, scope: CallScope) => {
    // An upload that never learned of its video may have one all the same; asking again finds it.
    const video = upload.video === "" ? await makeVideo(upload, scope) : upload.video;
    const object = objectOf({ video });
    await storage.deleteObject({ capability: capability({ video }, ["delete"]), object }, scope);
    try {
      await catalog.deleteVideo({ name: video }, await asOwner(upload, scope));
    } catch (error) {
      if (!isDomainError(error, "RESOURCE_NOT_FOUND")) throw error;
    }
    await uploads.remove(upload._id);
  };

  return {
    async begin(upload, expireTime, scope) {
      const { _id } = upload;
      const video = await makeVideo(upload, scope);
      const state = upload.sizeBytes === 0 ? "FINISHING" : "RECEIVING";
      const begun =
        (await uploads.advance({ _id, state: "CREATING" }, { video, state, expireTime })) ?? (await uploads.find(_id));
      if (!begun || begun.state === "REMOVING") throw notFound(_id);
      return begun;
    },

    async finish(upload, scope) {
      const { _id } = upload;
      try {
        await deliver(upload, scope);
      } catch (error) {
        if (!(await isUnwanted(error, upload, scope))) throw error;
        const removing = await uploads.advance({ _id, state: "FINISHING" }, { state: "REMOVING" });
        if (removing) await remove(removing, scope);
        return undefined;
      }
      const finished = await uploads.advance({ _id, state: "FINISHING" }, { state: "FINISHED" });
      onFinished(upload.video);
      return finished ?? { ...upload, state: "FINISHED" };
    },

    remove,
  };
}

/** Whether the catalogue has a video, deleted or not, of this name. */
export async function isKnown(
  catalog: Client<typeof CatalogServiceDefinition>,
  name: string,
  scope: CallScope,
): Promise<boolean> {
  try {
    await catalog.checkAccess({ name, action: Action.WATCH, viewer: "" }, scope);
    return true;
  } catch (error) {
    if (isDomainError(error, "RESOURCE_NOT_FOUND", "INVALID_FIELD")) return false;
    throw error;
  }
}
