/** A replica of a storage service in a process of its own, by the mesh. */
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { MethodDefinition } from "@reelmesh/mesh/definition.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { run } from "@reelmesh/mesh/run.js";
import { CallKind, MethodPolicy } from "@reelmesh/proto/reelmesh/mesh/v1/method.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { getObject, listObjects, readObject, ready } from "./replica-work.js";

/** The contract, but that ListObjects is a long poll. */
function withLongPoll() {
  const { listObjects: listing } = StorageServiceDefinition.methods;
  const policy = MethodPolicy.encode(MethodPolicy.fromPartial({ kind: CallKind.LONG_POLL })).finish();
  const options = { ...listing.options, _unknownFields: { 400802: [Buffer.from([policy.length, ...policy])] } };
  return {
    ...StorageServiceDefinition,
    methods: { ...StorageServiceDefinition.methods, listObjects: { ...listing, options } },
  } satisfies { methods: Record<string, MethodDefinition> };
}

const refuse = () => Promise.reject(new DomainError("UNIMPLEMENTED"));
const anybody = "anybody";
const storage = defineModule({
  name: "storage",
  port: 7001,
  clients: [],
  config: () => undefined,
  start: async () => ({
    services: [
      serve(
        withLongPoll(),
        {
          stageBlock: refuse,
          commitBlocks: refuse,
          discardBlocks: refuse,
          readObject: (request, { signal }) => readObject(request, signal),
          getObject: ({ object }, { signal }) => getObject(object, signal),
          deleteObject: refuse,
          listObjects: ({ pageSize }, { signal }) => listObjects(pageSize, signal),
        },
        {
          stageBlock: anybody,
          commitBlocks: anybody,
          discardBlocks: anybody,
          readObject: anybody,
          getObject: anybody,
          deleteObject: anybody,
          listObjects: anybody,
        },
      ),
    ],
  }),
});

await run([storage], (mesh) => {
  ready(mesh.addressOf("storage"));
});
