import { InterceptingCall, type ClientReadableStream, type Interceptor } from "@grpc/grpc-js";
import { DomainError } from "./errors.js";

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

/**
 * A stream's messages as they are asked for. Leaving the loop early cancels the call.
 *
 * @param idleMs how long each message may be waited for; the time its reader takes does not count.
 * @throws DomainError DEADLINE_EXCEEDED when one did not come in time; ServiceError when the call failed.
 */
export async function* receive(call: ClientReadableStream<unknown>, gate: Gate, idleMs: number): AsyncGenerator {
  const messages = call[Symbol.asyncIterator]();
  const next = async () => {
    const idled = new AbortController();
    const idle = setTimeout(() => {
      idled.abort(new DomainError("DEADLINE_EXCEEDED"));
      call.cancel();
    }, idleMs);
    try {
      gate.open();
      return await messages.next();
    } catch (error) {
      idled.signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(idle);
    }
  };
  try {
    for (let message = await next(); message.done !== true; message = await next()) yield message.value;
  } finally {
    call.cancel();
  }
}
