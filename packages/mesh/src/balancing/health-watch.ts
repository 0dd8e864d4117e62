import { Metadata, status, type experimental } from "@grpc/grpc-js";
import { BinaryReader } from "@bufbuild/protobuf/wire";

const WATCH = "/grpc.health.v1.Health/Watch";
/** Without an answer for so long a backend counts as serving: calls will show what it is. */
const PATIENCE_MS = 1_000;
const AGAIN_MS = 1_000;
const NOT_SERVING = 2;
/** In front of a message: not compressed, and its length (gRPC over HTTP/2, Length-Prefixed-Message). */
const PREFIX_BYTES = 5;
/** A HealthCheckRequest for the server as a whole: no fields. */
const WHOLE_SERVER = Buffer.alloc(PREFIX_BYTES);

/**
 * Watches what a backend says of itself by grpc.health.v1. One that does not offer it counts as serving.
 *
 * @param tell called with every answer, repeated ones included; never within this call.
 * @returns how to stop.
 */
export function watchHealth(
  subchannel: experimental.SubchannelInterface,
  tell: (serving: boolean) => void,
): () => void {
  let stopped = false;
  let answered = false;
  let again: NodeJS.Timeout | undefined;
  let cancel: () => void = () => undefined;

  const answer = (serving: boolean) => {
    answered = true;
    if (!stopped) tell(serving);
  };
  const patience = setTimeout(() => {
    if (!answered) answer(true);
  }, PATIENCE_MS).unref();

  const ended = (code: status) => {
    if (stopped) return;
    if (code === status.UNIMPLEMENTED) answer(true);
    else again = setTimeout(watch, AGAIN_MS).unref();
  };
  const watch = () => {
    try {
      // As grpc-js itself starts a call; its channel of a single subchannel lets a lost connection go unhandled.
      const call = subchannel.getRealSubchannel().createCall(new Metadata(), subchannel.getAddress(), WATCH, {
        onReceiveMetadata: () => undefined,
        onReceiveMessage(message: unknown) {
          if (Buffer.isBuffer(message)) answer(isServing(message.subarray(PREFIX_BYTES)));
          call.startRead();
        },
        onReceiveStatus({ code }) {
          ended(code);
        },
      });
      cancel = () => {
        call.cancelWithStatus(status.CANCELLED, "No longer watched");
      };
      call.sendMessageWithContext({}, WHOLE_SERVER);
      call.halfClose();
      call.startRead();
    } catch {
      // The connection is just being lost.
      ended(status.UNAVAILABLE);
    }
  };

  setImmediate(() => {
    if (!stopped) watch();
  });
  return () => {
    stopped = true;
    clearTimeout(patience);
    clearTimeout(again);
    cancel();
  };
}

/** Reads a HealthCheckResponse: anything but NOT_SERVING is no reason to stay away. */
function isServing(bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  let serving = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) serving = reader.int32();
    else reader.skip(wireType);
  }
  return serving !== NOT_SERVING;
}
