import type { StoredDocument } from "../collection.js";
import type { KeptCollection, ObjectReference } from "../data.js";
import { toExtendedJson } from "../extended-json.js";
import { minimumOf } from "../schema.js";
import { asStored } from "../typed.js";
import { pagesOf } from "./pages.js";

/** A document on its way into a backup. */
export interface ExportedDocument {
  readonly id: string;
  readonly json: Buffer;
  readonly minSchema: number;
  readonly objects: readonly ObjectReference[];
}

const BATCH_BYTES = 2 ** 20;

/** The lasting documents of a collection, in the order of their ids, about 1 MiB at a time. */
export async function* exportDocuments(
  collection: KeptCollection,
  which: { readonly signal: AbortSignal; readonly after: string },
): AsyncGenerator<readonly ExportedDocument[]> {
  let batch: ExportedDocument[] = [];
  let bytes = 0;
  for await (const page of pagesOf(collection, which)) {
    for (const document of exported(collection, page)) {
      if (bytes + document.json.length > BATCH_BYTES && batch.length > 0) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(document);
      bytes += document.json.length;
    }
  }
  if (batch.length > 0) yield batch;
}

/** The same of these documents. What they refer to is asked of them in the present schema. */
export function exported(
  { schema, isLasting, objectsOf }: KeptCollection,
  documents: readonly StoredDocument[],
): ExportedDocument[] {
  return documents.flatMap((document) => {
    const present: StoredDocument = asStored(schema.present(asStored(document)));
    if (!isLasting(present)) return [];
    const json = Buffer.from(toExtendedJson(asStored(document)));
    const minSchema = minimumOf(asStored(document));
    return { id: document._id, json, minSchema, objects: objectsOf(present) };
  });
}
