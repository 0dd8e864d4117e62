import { once } from "node:events";
import type { ServerResponse } from "node:http";

/**
 * Sends a response's body as it comes, no faster than its reader takes it. A body that ends short, or in an error, ends
 * the connection: a client must never take a part for the whole.
 *
 * @param messages left as soon as the reader leaves, which ends the call behind them.
 * @param length how many bytes the response announced.
 */
export async function sendBytes(
  messages: AsyncIterable<{ readonly data: Uint8Array }>,
  response: ServerResponse,
  length: number,
): Promise<void> {
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
  };
  response.once("close", leave);
  let sent = 0;
  try {
    for await (const { data } of messages) {
      if (response.destroyed) return;
      sent += data.length;
      if (sent > length) break;
      if (!response.write(data)) await once(response, "drain", { signal: gone.signal });
    }
    if (sent === length) response.end();
    else response.destroy(new Error(`The store sent ${sent} of ${length} bytes`));
  } catch (error) {
    const readerLeft = gone.signal.aborted;
    response.destroy();
    if (!readerLeft) throw error;
  } finally {
    response.off("close", leave);
  }
}
