import type { StoredDocument } from "../collection.js";
import type { KeptCollection } from "../data.js";
import { versionOf } from "../schema.js";
import { asStored } from "../typed.js";
import { rewrite } from "../versioned.js";
import { pagesOf } from "./pages.js";

/** How far a migration is. */
export interface Migrated {
  readonly examined: number;
  readonly migrated: number;
}

/**
 * Writes each older document of a collection in the present schema, as it is when its turn comes. Tells after each page
 * how far it is. @throws DomainError NEWER_DATA for a document that this program cannot honour.
 */
export async function* migrateDocuments(collection: KeptCollection, signal: AbortSignal): AsyncGenerator<Migrated> {
  let examined = 0;
  let migrated = 0;
  for await (const page of pagesOf(collection, { signal })) {
    for (const document of page) {
      collection.schema.present(asStored(document));
      if (await migrateOne(collection, document)) migrated++;
    }
    examined += page.length;
    yield { examined, migrated };
  }
  if (examined === 0) yield { examined, migrated };
}

/** @returns whether it was written. Whoever changes it meanwhile may have written it in the present schema. */
async function migrateOne({ stored, schema }: KeptCollection, read: StoredDocument): Promise<boolean> {
  for (let document: StoredDocument | undefined = read; document && versionOf(asStored(document)) < schema.version;) {
    if (await rewrite(stored, schema, document)) return true;
    document = await stored.findOne({ _id: document._id });
  }
  return false;
}
