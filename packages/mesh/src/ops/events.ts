import type { IncomingMessage, ServerResponse } from "node:http";
import type { RecentCall, RecentCalls } from "../observe/recent-calls.js";

/** What a reader that falls behind may leave unread before it is cut off. */
const MOST_UNREAD_BYTES = 1024 * 1024;
/** A comment this often keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;

/**
 * Streams calls as server-sent events: those kept first, unless `?past=0`; of one service with `?service=`.
 */
export function streamCalls(request: IncomingMessage, response: ServerResponse, recent: RecentCalls): void {
  const { searchParams } = new URL(request.url ?? "/", "http://ops");
  const service = searchParams.get("service");
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.flushHeaders();
  const send = (call: RecentCall) => {
    if (service !== null && call.service !== service) return;
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
    else response.write(`data: ${JSON.stringify(call)}\n\n`);
  };
  if (searchParams.get("past") !== "0") recent.list().forEach(send);
  const unfollow = recent.follow(send);
  const heartbeat = setInterval(() => response.write(": still here\n\n"), HEARTBEAT_MS);
  response.once("close", () => {
    clearInterval(heartbeat);
    unfollow();
  });
}
