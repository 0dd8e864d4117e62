import { openCapability } from "@reelmesh/mesh/capability.js";
import type { Implementation } from "@reelmesh/mesh/module.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import type { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { openToDiscard } from "./capabilities.js";
import { blockMessage, objectMessage } from "./messages.js";
import { parseObjectName, parsePrefix } from "./names.js";
import type { ObjectStore } from "./object-store.js";
import { mintPageToken, openPageToken } from "./page-token.js";
import { parseCommit, parsePageSize, parseRange, parseStagedBlock } from "./requests.js";

/** Serves a store to whoever bears a capability for what they ask. */
export function createStorageService(store: ObjectStore, keys: Keys): Implementation<StorageServiceDefinition> {
  return {
    async stageBlock(request, { trace }) {
      const object = parseObjectName("object", request.object);
      const { fence } = openCapability(keys, request.capability, { object, verb: "write" });
      const block = parseStagedBlock(request, fence);
      await store.within(trace).stage(object, block, request.data);
      return { block: blockMessage(block) };
    },

    async commitBlocks(request, { trace }) {
      const object = parseObjectName("object", request.object);
      const { fence } = openCapability(keys, request.capability, { object, verb: "write" });
      return objectMessage(await store.within(trace).commit(object, parseCommit(request, fence)));
    },

    async discardBlocks(request, { trace }) {
      const object = parseObjectName("object", request.object);
      openToDiscard(keys, request.capability, object);
      await store.within(trace).discard(object);
      return {};
    },

    async *readObject(request, { signal, trace }) {
      const name = parseObjectName("object", request.object);
      openCapability(keys, request.capability, { object: name, verb: "read" });
      const { object, bytes } = await store.within(trace).open(name, parseRange(request), signal);
      yield { object: objectMessage(object) };
      for await (const data of bytes) yield { data };
    },

    async getObject(request, { trace }) {
      const object = parseObjectName("object", request.object);
      openCapability(keys, request.capability, { object, verb: "read" });
      if (!request.withBlocks) return objectMessage(await store.within(trace).get(object));
      const described = await store.within(trace).describe(object);
      return objectMessage(described.object, described.blocks);
    },

    async deleteObject(request, { trace }) {
      const object = parseObjectName("object", request.object);
      openCapability(keys, request.capability, { object, verb: "delete" });
      await store.within(trace).delete(object);
      return {};
    },

    async listObjects(request, { trace }) {
      const prefix = parsePrefix("prefix", request.prefix);
      openCapability(keys, request.capability, { object: prefix, verb: "list" });
      const from = openPageToken(keys, prefix, request.pageToken);
      const { objects, next } = await store
        .within(trace)
        .list(prefix, { limit: parsePageSize(request.pageSize), from });
      return {
        objects: objects.map((object) => objectMessage(object)),
        nextPageToken: mintPageToken(keys, prefix, next),
      };
    },
  };
}
