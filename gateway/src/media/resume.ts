import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type {
  ReadObjectRequest,
  ReadObjectResponse,
  StorageServiceDefinition,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

/** How often in a row a read is begun again without a byte having come. */
const MOST_ATTEMPTS = 4;

/**
 * Reads a range of an object as ReadObject does. A stream that breaks because its replica went goes on at the byte it
 * has reached, on another, of the same version: its reader notices nothing.
 *
 * @param request names a version by `ifMatch`: two halves must be of one object.
 * @throws DomainError as StorageService.ReadObject; ETAG_MISMATCH when the object was replaced in between;
 *   SERVICE_UNAVAILABLE when no replica goes on.
 */
export async function* readResuming(
  storage: Pick<Client<typeof StorageServiceDefinition>, "readObject">,
  request: Pick<ReadObjectRequest, "capability" | "object" | "offset" | "ifMatch"> & { readonly length: bigint },
  scope: CallScope,
): AsyncGenerator<ReadObjectResponse> {
  let reached = 0n;
  let attempts = 0;
  let begun = false;
  for (;;) {
    try {
      const rest = { ...request, offset: request.offset + reached, length: request.length - reached };
      for await (const message of storage.readObject(rest, scope)) {
        // The first message of each stream says which version it is of; the reader knows by now.
        if (message.data.length === 0 && begun) continue;
        begun = true;
        reached += BigInt(message.data.length);
        if (message.data.length > 0) attempts = 0;
        yield message;
      }
      return;
    } catch (error) {
      attempts += 1;
      const lost = isDomainError(error, "SERVICE_UNAVAILABLE", "STORE_UNAVAILABLE", "OVERLOADED");
      // Before the first message the mesh has tried again already.
      if (!lost || !begun || attempts >= MOST_ATTEMPTS || scope.signal.aborted) throw error;
      // What came in full needs no end.
      if (reached >= request.length) return;
    }
  }
}
