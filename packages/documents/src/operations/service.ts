import { DocumentsServiceDefinition } from "@reelmesh/proto/reelmesh/documents/v1/documents_service.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { invalidField } from "@reelmesh/mesh/fields.js";
import { serve, type ServedService } from "@reelmesh/mesh/module.js";
import type { KeptCollection, KeptData } from "../data.js";
import { exportDocuments, exported, type ExportedDocument } from "./export.js";
import { migrateDocuments } from "./migrate.js";
import { beginRestore, endRestore, importDocuments } from "./restore.js";

const MOST_IDS = 100;

/** Lets operators look after a service's documents. */
export function serveDocuments(data: KeptData): ServedService {
  const collection = (name: string): KeptCollection => {
    const found = data.kept.get(name);
    if (!found) throw new DomainError("RESOURCE_NOT_FOUND", { resource: `collection ${JSON.stringify(name)}` });
    return found;
  };
  const sorted = () => [...data.kept.values()].sort((one, other) => (one.name < other.name ? -1 : 1));

  return serve(
    DocumentsServiceDefinition,
    {
      async listCollections() {
        const collections = sorted().map(async ({ name, schema, stored }) => ({
          name,
          schema: schema.version,
          documentCount: BigInt(await stored.countDocuments({})),
        }));
        return { collections: await Promise.all(collections) };
      },

      async *migrateDocuments(request, { signal }) {
        await data.gate.pass();
        for await (const { examined, migrated } of migrateDocuments(collection(request.collection), signal))
          yield { examinedCount: BigInt(examined), migratedCount: BigInt(migrated) };
      },

      async *repairIndexes(request, { signal }) {
        for await (const { examined, repaired, built, unused } of collection(
          request.collection,
        ).stored.repairIndexes()) {
          yield {
            examinedCount: BigInt(examined),
            repairedCount: BigInt(repaired),
            built: [...built],
            unused: [...unused],
          };
          signal.throwIfAborted();
        }
      },

      async *exportDocuments({ collection: name, after, ids }, { signal }) {
        const kept = collection(name);
        if (ids.length > MOST_IDS) throw invalidField("ids", `must be at most ${MOST_IDS}`);
        await data.gate.pass();
        const found = ids.length > 0 && (await kept.stored.find({ _id: { $in: ids } }, { limit: MOST_IDS }));
        const batches = found ? [exported(kept, found)] : exportDocuments(kept, { signal, after });
        for await (const batch of batches) yield { documents: batch.map(toMessage) };
      },

      async beginRestore({ backupId, collections, validateOnly }) {
        assertBackupId(backupId);
        const coming = collections.map(({ name, schema }) => ({ collection: collection(name), minSchema: schema }));
        return { done: await beginRestore(data, backupId, coming, { validateOnly }) };
      },

      async importDocuments({ backupId, collection: name, json }) {
        await importDocuments(data, backupId, collection(name), json);
        return {};
      },

      async endRestore({ backupId }) {
        await endRestore(data, backupId);
        return {};
      },
    },
    {
      listCollections: "operators",
      migrateDocuments: "operators",
      repairIndexes: "operators",
      exportDocuments: "operators",
      beginRestore: "operators",
      importDocuments: "operators",
      endRestore: "operators",
    },
  );
}

function toMessage({ id, json, minSchema, objects }: ExportedDocument) {
  return { id, json, minSchema, objects: objects.map(({ name, etag }) => ({ name, etag })) };
}

function assertBackupId(backupId: string): void {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(backupId))
    throw invalidField("backup_id", "must be 1 to 64 letters, digits or hyphens");
}
