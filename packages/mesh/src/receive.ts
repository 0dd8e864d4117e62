import { InterceptingCall, type ClientReadableStream, type Interceptor } from "@grpc/grpc-js";

/** Lets one message at a time through to a client's stream. */
export interface Gate {
  readonly interceptor: Interceptor;
  /** Lets the next message pass, now or when it comes. */
  open(): void;
}

/**
 * A gate in front of a stream's reader. grpc-js reads up to 16 messages ahead whatever their size; behind a gate one
 * message waits, and flow control holds the rest at its sender.
 */
export function createGate(): Gate {
  let wanted = false;
  let held: (() => void) | undefined;
  const pass = () => {
    if (!wanted || !held) return;
    const deliver = held;
    wanted = false;
    held = undefined;
    deliver();
  };
  return {
    open() {
      wanted = true;
      pass();
    },
    interceptor: (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start(metadata, _listener, next) {
          next(metadata, {
            onReceiveMessage(message: unknown, deliver: (message: unknown) => void) {
              held = () => {
                deliver(message);
              };
              pass();
            },
          });
        },
      }),
  };
}

/** A stream's messages as they are asked for. Leaving the loop early cancels the call. */
export async function* receive(call: ClientReadableStream<unknown>, gate: Gate): AsyncGenerator {
  const messages = call[Symbol.asyncIterator]();
  try {
    for (;;) {
      gate.open();
      const next = await messages.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    call.cancel();
  }
}
