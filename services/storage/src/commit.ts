import { createHash } from "node:crypto";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { blockRecord, type Block } from "./block.js";
import type { ObjectName } from "./names.js";
import type { StoredObject } from "./object-store.js";

/** What must hold of the object that may be there already. */
export type Precondition = { readonly kind: "create only" } | { readonly kind: "if match"; readonly etag: string };

/** An object to be made. */
export interface Commit {
  /** In the order of the object's bytes; none for an empty object. */
  readonly blocks: readonly Block[];
  readonly contentType: string;
  /** Absent: whatever is there is replaced. */
  readonly precondition?: Precondition | undefined;
}

/** A commit carried out on paper: the object it makes, and its blocks' records one after the other. */
export interface DraftObject {
  readonly object: StoredObject;
  readonly records: Buffer;
}

export function draftObject(name: ObjectName, { blocks, contentType }: Commit, createTime: Date): DraftObject {
  const records = Buffer.concat(blocks.map(blockRecord));
  const composite = createHash("sha256");
  let size = 0;
  for (const block of blocks) {
    composite.update(block.sha256);
    size += block.size;
  }
  const etag = etagOf(records, contentType);
  return { object: { name, size, etag, contentType, composite: composite.digest(), createTime }, records };
}

/** What names a version: a digest of all that was committed. */
export function etagOf(records: Buffer, contentType: string): string {
  return createHash("sha256").update(contentType).update("\0").update(records).digest("base64url");
}

/**
 * What is there already, if it is the very object that is wanted.
 *
 * @throws DomainError OBJECT_EXISTS or ETAG_MISMATCH when it is not and the precondition forbids to replace it.
 */
export function repeated(
  current: StoredObject | undefined,
  wanted: StoredObject,
  precondition?: Precondition,
): StoredObject | undefined {
  if (current?.etag === wanted.etag) return current;
  switch (precondition?.kind) {
    case "create only":
      if (current) throw new DomainError("OBJECT_EXISTS", { resource: wanted.name });
      break;
    case "if match":
      if (current?.etag !== precondition.etag) throw new DomainError("ETAG_MISMATCH", { resource: wanted.name });
      break;
    case undefined:
      break;
  }
  return undefined;
}
