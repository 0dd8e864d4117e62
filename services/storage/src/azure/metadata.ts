import type { ObjectName } from "../names.js";
import type { StoredObject } from "../object-store.js";

/** What is known of a blob. */
export interface BlobFacts {
  readonly size?: number | undefined;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What is kept with a blob besides what Azure keeps itself. */
export function toMetadata({ etag, composite, createTime }: StoredObject): Record<string, string> {
  return {
    reelmeshetag: etag,
    reelmeshcomposite: Buffer.from(composite).toString("hex"),
    reelmeshcreatetime: createTime.toISOString(),
  };
}

/** The object that a blob is; undefined for a blob that was not committed as one. */
export function toObject(name: ObjectName, { size, contentType, metadata }: BlobFacts): StoredObject | undefined {
  const { reelmeshetag: etag, reelmeshcomposite: composite, reelmeshcreatetime: createTime } = metadata ?? {};
  if (etag === undefined || composite === undefined || createTime === undefined) return undefined;
  if (size === undefined || contentType === undefined) return undefined;
  const digest = Buffer.from(composite, "hex");
  return { name, size, etag, contentType, composite: digest, createTime: new Date(createTime) };
}
