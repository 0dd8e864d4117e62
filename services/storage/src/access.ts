import type { AccessTable } from "@reelmesh/mesh/access.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";

/** Anybody may call: what counts is the capability that each call carries. */
export const access: AccessTable<StorageServiceDefinition> = {
  stageBlock: "anybody",
  commitBlocks: "anybody",
  discardBlocks: "anybody",
  readObject: "anybody",
  getObject: "anybody",
  deleteObject: "anybody",
  listObjects: "anybody",
};
