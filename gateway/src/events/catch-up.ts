import type { Client } from "@reelmesh/mesh/client.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import { startLoop, type Loop } from "@reelmesh/mesh/loop.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import type { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";

const PAGE = 1000;
const MOST_SEEN = 10_000;

/**
 * Follows the catalogue's changes from now on, so that nothing hangs on an event that was lost.
 *
 * @param onChange called for every version of a video that was not seen before, one at a time; when it rejects, the same
 *   changes are read again.
 */
export function followChanges(options: {
  catalog: Pick<Client<typeof CatalogServiceDefinition>, "listChanges">;
  everyMs: number;
  log: Logger;
  onChange: (video: string) => Promise<void>;
}): Loop {
  const { catalog, everyMs, log, onChange } = options;
  const seen = new Map<string, string>();
  let startTime = new Date();
  let pageToken = "";

  const remember = (name: string, etag: string) => {
    seen.delete(name);
    const [oldest] = seen.keys();
    if (seen.size >= MOST_SEEN && oldest !== undefined) seen.delete(oldest);
    seen.set(name, etag);
  };

  return startLoop("changes", { everyMs, log }, async (scope) => {
    const begun = new Date();
    for (;;) {
      const page = await catalog
        .listChanges({ pageSize: PAGE, pageToken, startTime }, scope)
        .catch((error: unknown) => {
          // A token does not outlive the secret that it was signed with.
          if (isDomainError(error, "INVALID_FIELD")) pageToken = "";
          throw error;
        });
      for (const { name, etag } of page.videos) {
        if (seen.get(name) === etag) continue;
        await onChange(name);
        remember(name, etag);
      }
      pageToken = page.nextPageToken;
      if (page.videos.length < PAGE) break;
    }
    startTime = begun;
  });
}
