import { once } from "node:events";
import type { ServerResponse } from "node:http";

/**
 * Sends a response's body as it comes, no faster than its reader takes it. A body that ends short, or in an error, ends
 * the connection: a client must never take a part for the whole.
 *
 * @param messages left as soon as the reader leaves, which ends the call behind them.
 * @param options.length how many bytes the response announced.
 * @param options.left aborted when the reader leaves.
 * @throws what the messages ended with, or Error when they had another length; nothing once the reader has left.
 */
export async function sendBytes(
  messages: AsyncIterable<{ readonly data: Uint8Array }>,
  response: ServerResponse,
  { length, left }: { length: number; left: AbortSignal },
): Promise<void> {
  let sent = 0;
  try {
    for await (const { data } of messages) {
      if (response.destroyed) return;
      sent += data.length;
      if (sent > length) break;
      if (!response.write(data)) await once(response, "drain", { signal: left });
    }
    if (sent !== length) throw new Error(`The store sent ${sent} bytes where ${length} were announced`);
    response.end();
  } catch (error) {
    response.destroy();
    if (!left.aborted) throw error;
  }
}
