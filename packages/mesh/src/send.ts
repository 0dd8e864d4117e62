import type { ServerWritableStream } from "@grpc/grpc-js";

/**
 * Sends a stream's messages at its reader's pace. grpc-js queues 16 of them whatever their size; here the next one is
 * waited with until the one before it has left, so that at most two are held.
 *
 * @returns a function that sends a message and resolves when there is room for another; rejects with the signal's
 *   reason once it is aborted.
 */
export function createSender(
  call: Pick<ServerWritableStream<Buffer, Buffer>, "write">,
  signal: AbortSignal,
): (message: Buffer) => Promise<void> {
  let queued = 0;
  let wake: () => void = () => undefined;
  const left = () => {
    queued -= 1;
    wake();
  };
  signal.addEventListener("abort", () => {
    wake();
  });
  return async (message) => {
    queued += 1;
    call.write(message, left);
    while (queued > 1 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    signal.throwIfAborted();
  };
}
