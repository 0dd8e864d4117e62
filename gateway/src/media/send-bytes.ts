import { once } from "node:events";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/**
 * Answers with bytes as they come, no faster than their reader takes them. The head goes out with the first of them: what
 * cannot be read at all can still be answered as a problem. A body that ends short, or in an error, ends the connection:
 * a client must never take a part for the whole.
 *
 * @param messages those without bytes are passed over. Left as soon as the reader leaves, which ends the call behind them.
 * @param head.length how many bytes the response announces, more than 0.
 * @param left aborted when the reader leaves.
 * @throws what the messages ended with, or Error when they had another length; nothing once the reader has left.
 */
export async function sendBytes(
  messages: AsyncIterable<{ readonly data: Uint8Array }>,
  response: ServerResponse,
  head: { status: number; headers: OutgoingHttpHeaders; length: number },
  left: AbortSignal,
): Promise<void> {
  let sent = 0;
  try {
    for await (const { data } of messages) {
      if (response.destroyed) return;
      if (data.length === 0) continue;
      if (sent === 0) response.writeHead(head.status, head.headers);
      sent += data.length;
      if (sent > head.length) break;
      if (!response.write(data)) await once(response, "drain", { signal: left });
    }
    if (sent !== head.length) throw new Error(`The store sent ${sent} bytes where ${head.length} were announced`);
    response.end();
  } catch (error) {
    if (left.aborted) return;
    if (response.headersSent) response.destroy();
    throw error;
  }
}
