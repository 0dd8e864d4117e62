/**
 * A replica of a storage service in a process of its own, by the `mesh` or by `bare` grpc-js, whichever its argument
 * says. Prints `ready host:port`. The name of the object asked for says how it is served: `wait/20` after 20 ms,
 * `busy/5` after 5 ms of the processor, `hold` when the call ends, and anything else at once.
 */
import { DomainError } from "@reelmesh/mesh/errors.js";
import type { MethodDefinition } from "@reelmesh/mesh/definition.js";
import { defineModule, serve } from "@reelmesh/mesh/module.js";
import { run } from "@reelmesh/mesh/run.js";
import { CallKind, MethodPolicy } from "@reelmesh/proto/reelmesh/mesh/v1/method.js";
import {
  StorageServiceDefinition,
  type ReadObjectRequest,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { ETAG, PIECE, bytesAt } from "../../../packages/mesh/test/support/endless.js";
import { serveBare } from "./replica-bare.js";

const [, , runtime = "mesh"] = process.argv;

/** Calls at work, and who waits for there to be so many. */
let atWork = 0;
const watching = new Set<() => void>();

function enter(): () => void {
  atWork += 1;
  for (const look of watching) look();
  return () => {
    atWork -= 1;
  };
}

const ended = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
  });

async function work(object: string, signal: AbortSignal): Promise<void> {
  const [how, given = "0"] = object.split("/");
  const ms = Number(given);
  if (how === "hold") await ended(signal);
  if (how === "wait") await new Promise((resolve) => setTimeout(resolve, ms));
  if (how === "busy") for (const until = performance.now() + ms; performance.now() < until;);
}

async function getObject(object: string, signal: AbortSignal) {
  const leave = enter();
  try {
    await work(object, signal);
    return { name: object };
  } finally {
    leave();
  }
}

/** The bytes of an object without end, each following from where it is; of `hold` its first message alone. */
async function* readObject(
  { object, offset, length }: Pick<ReadObjectRequest, "object" | "offset" | "length">,
  signal: AbortSignal,
) {
  const leave = enter();
  try {
    yield { object: { name: object, etag: ETAG } };
    if (object === "hold") await ended(signal);
    const end = length === undefined ? Infinity : Number(offset + length);
    for (let at = Number(offset); at < end && !signal.aborted; at += PIECE) {
      yield { data: bytesAt(at, Math.min(PIECE, end - at)) };
    }
  } finally {
    leave();
  }
}

/** Answers as soon as `pageSize` calls are at work. */
async function listObjects(pageSize: number, signal: AbortSignal) {
  await new Promise<void>((resolve) => {
    const look = () => {
      if (atWork < pageSize && !signal.aborted) return;
      watching.delete(look);
      resolve();
    };
    watching.add(look);
    signal.addEventListener("abort", look);
    look();
  });
  return { nextPageToken: String(atWork) };
}

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

const say = (address: string) => {
  console.log(`ready ${address}`);
};

if (runtime === "bare") {
  serveBare({ getObject, readObject, listObjects }, process.env.STORAGE_LISTEN ?? "127.0.0.1:0", say);
} else
  await run([storage], (mesh) => {
    say(mesh.addressOf("storage"));
  });
