import type { Documents } from "./collection.js";

export type DocumentsLocation = { readonly url: string; readonly database: string } | { readonly folder: string };

/**
 * Opens the store: MongoDB at a connection string, or the embedded one in a folder of its own (made where missing).
 * Only the adapter that is used is loaded.
 *
 * @throws FolderInUseError where another process has the folder; StoreUnavailableError where it cannot be opened. A
 *   MongoDB that cannot be reached shows at the first call.
 */
export async function openDocuments(location: DocumentsLocation): Promise<Documents> {
  if ("folder" in location) {
    const { openEmbedded } = await import("./embedded.js");
    return openEmbedded(location.folder);
  }
  const { openMongo } = await import("./mongo.js");
  return openMongo(location.url, location.database);
}
