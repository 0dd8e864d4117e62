import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { isKnown, type Finishing } from "./finishing.js";
import type { UploadRepository } from "./repository.js";
import type { Upload } from "./upload.js";

/** How many uploads one run takes up in each state; the next run takes up the rest. */
const BATCH = 100;
const PREFIX = "sources/";

/** Takes up what a crash cut short, and removes what expired. One upload that fails does not hold up the others. */
export async function reconcileUploads(
  parts: { uploads: UploadRepository; finishing: Finishing; log: Logger },
  scope: CallScope,
): Promise<void> {
  const { uploads, finishing, log } = parts;
  const now = new Date();

  const each = async (found: readonly Upload[], step: (upload: Upload) => Promise<unknown>) => {
    for (const upload of found) {
      scope.signal.throwIfAborted();
      try {
        await step(upload);
      } catch (error) {
        log.warn({ err: error, upload: upload._id, state: upload.state }, "an upload's next step will be tried again");
      }
    }
  };
  const expire = async (upload: Upload) => {
    const { _id, state, fence, offset } = upload;
    const removing = await uploads.advance({ _id, state, fence, offset }, { state: "REMOVING" });
    if (removing) await finishing.remove(removing, scope);
  };

  await each(await uploads.listIn("FINISHING", BATCH), (upload) => finishing.finish(upload, scope));
  await each(await uploads.listIn("REMOVING", BATCH), (upload) => finishing.remove(upload, scope));
  await each(await uploads.listExpired("CREATING", now, BATCH), expire);
  await each(await uploads.listExpired("RECEIVING", now, BATCH), expire);
  await each(await uploads.listExpired("FINISHED", now, BATCH), (upload) => uploads.remove(upload._id));
}

/** Removes sources whose video is gone, when they are older than any write that may still be under way. */
export async function sweepSources(
  parts: {
    catalog: Client<typeof CatalogServiceDefinition>;
    storage: Client<typeof StorageServiceDefinition>;
    keys: Keys;
    olderThanMs: number;
  },
  scope: CallScope,
): Promise<void> {
  const { catalog, storage, keys, olderThanMs } = parts;
  const rights = () =>
    mintCapability(keys, { opens: PREFIX, verbs: ["list", "delete"], expires: new Date(Date.now() + 60_000) });
  const before = Date.now() - olderThanMs;
  let pageToken = "";
  do {
    const page = await storage.listObjects({ capability: rights(), prefix: PREFIX, pageSize: 1000, pageToken }, scope);
    for (const { name, createTime } of page.objects) {
      const old = createTime !== undefined && createTime.getTime() <= before;
      if (old && !(await isKnown(catalog, `videos/${name.slice(PREFIX.length)}`, scope)))
        await storage.deleteObject({ capability: rights(), object: name }, scope);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
