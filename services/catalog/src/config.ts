import { readDocuments } from "@reelmesh/documents/config.js";
import type { DocumentsLocation } from "@reelmesh/documents/open.js";
import { readEvents, type EventsLocation } from "@reelmesh/events/config.js";
import type { Environment } from "@reelmesh/mesh/environment.js";

/** The catalogue's settings. */
export interface CatalogConfig {
  readonly documents: DocumentsLocation;
  readonly events: EventsLocation;
  /** How often what is past its time is purged: `CATALOG_PURGE_SECONDS`. */
  readonly purgeEveryMs: number;
  /** How long a deleted video can be had back: `CATALOG_KEEP_DELETED_SECONDS`. */
  readonly keepDeletedMs: number;
}

/** Reads the catalogue's settings. */
export function readConfig(environment: Environment): CatalogConfig {
  return {
    documents: readDocuments(environment, "catalog"),
    events: readEvents(environment),
    purgeEveryMs: environment.integer("CATALOG_PURGE_SECONDS", { default: 60, min: 1, max: 86_400 }) * 1000,
    keepDeletedMs:
      environment.integer("CATALOG_KEEP_DELETED_SECONDS", { default: 86_400, min: 0, max: 30 * 86_400 }) * 1000,
  };
}
