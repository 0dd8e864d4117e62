import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { Sweep } from "@reelmesh/mesh/sweep.js";
import type { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { isKnown, type Finishing } from "./finishing.js";
import type { UploadRepository } from "./repository.js";
import type { Upload } from "./upload.js";

/** How many uploads one run takes up in each state; the next run takes up the rest. */
const BATCH = 100;
/** How many are told of in each state that would be removed. */
const MOST_SHOWN = 10_000;
const PREFIX = "sources/";

interface Parts {
  readonly uploads: UploadRepository;
  readonly finishing: Finishing;
  readonly log: Logger;
}

/** Takes up what a crash cut short, and removes what expired. One upload that fails does not hold up the others. */
export async function reconcileUploads(parts: Parts, scope: CallScope): Promise<void> {
  const { uploads, finishing, log } = parts;
  const unfinished = await uploads.listIn("FINISHING", BATCH);
  const steps = [
    each(parts, scope, unfinished, (upload) => finishing.finish(upload, scope)),
    createUploadSweep(parts).run(scope, { dryRun: false }),
  ];
  for (const step of steps) for await (const upload of step) log.debug({ upload }, "an upload's next step is taken");
}

/** Removes what is left of uploads that have ended or expired. */
export function createUploadSweep(parts: Parts): Sweep {
  const { uploads, finishing } = parts;
  const expire = async (upload: Upload, scope: CallScope) => {
    const { _id, state, fence, offset } = upload;
    const removing = await uploads.advance({ _id, state, fence, offset }, { state: "REMOVING" });
    if (removing) await finishing.remove(removing, scope);
  };
  return {
    name: "ended uploads",
    async *run(scope, { dryRun }) {
      const now = new Date();
      const step = dryRun ? async () => undefined : undefined;
      const limit = dryRun ? MOST_SHOWN : BATCH;
      const remove = (upload: Upload) => finishing.remove(upload, scope);
      yield* each(parts, scope, await uploads.listIn("REMOVING", limit), step ?? remove);
      for (const state of ["CREATING", "RECEIVING"] as const) {
        const expired = await uploads.listExpired(state, now, limit);
        yield* each(parts, scope, expired, step ?? ((upload) => expire(upload, scope)));
      }
      const finished = await uploads.listExpired("FINISHED", now, limit);
      yield* each(parts, scope, finished, step ?? ((upload) => uploads.remove(upload._id)));
    },
  };
}

/** Removes sources whose video is gone, when they are older than any write that may still be under way. */
export function createSourceSweep(parts: {
  readonly catalog: Client<typeof CatalogServiceDefinition>;
  readonly storage: Client<typeof StorageServiceDefinition>;
  readonly keys: Keys;
  readonly olderThanMs: number;
}): Sweep {
  const { catalog, storage, keys, olderThanMs } = parts;
  const rights = () =>
    mintCapability(keys, { opens: PREFIX, verbs: ["list", "delete"], expires: new Date(Date.now() + 60_000) });
  return {
    name: "sources without a video",
    async *run(scope, { dryRun }) {
      const before = Date.now() - olderThanMs;
      let pageToken = "";
      do {
        const asked = { capability: rights(), prefix: PREFIX, pageSize: 1000, pageToken };
        const page = await storage.listObjects(asked, scope);
        for (const { name, createTime } of page.objects) {
          const old = createTime !== undefined && createTime.getTime() <= before;
          if (!old || (await isKnown(catalog, `videos/${name.slice(PREFIX.length)}`, scope))) continue;
          if (!dryRun) await storage.deleteObject({ capability: rights(), object: name }, scope);
          yield name;
        }
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
    },
  };
}

/** Takes a step with each upload, and yields those with which it went well. */
async function* each(
  { log }: Pick<Parts, "log">,
  scope: CallScope,
  found: readonly Upload[],
  step: (upload: Upload) => Promise<unknown>,
): AsyncGenerator<string> {
  for (const upload of found) {
    scope.signal.throwIfAborted();
    try {
      await step(upload);
      yield `uploads/${upload._id}`;
    } catch (error) {
      log.warn({ err: error, upload: upload._id, state: upload.state }, "an upload's next step will be tried again");
    }
  }
}
