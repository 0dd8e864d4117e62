import { DomainError } from "@reelmesh/mesh/errors.js";
import type { IncomingMessage } from "node:http";
import { EdgeError } from "../problem.js";

/**
 * Reads a JSON body whole, as bytes; nothing is no body.
 *
 * @throws EdgeError MEDIA_TYPE_NOT_SUPPORTED; DomainError TOO_LARGE beyond `limitBytes`, CANCELLED when the client
 *   leaves before its end.
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () => new DomainError("TOO_LARGE", { resource: "The body", limit_bytes: String(limitBytes) });
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge();
  if (request.destroyed) throw new DomainError("CANCELLED");
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // What comes beyond the limit is read and dropped: a client that is still writing would not see the answer.
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.once("end", () => {
      if (size > 0 && !isJson(request)) reject(new EdgeError("MEDIA_TYPE_NOT_SUPPORTED"));
      else resolve(Buffer.concat(chunks));
    });
    request.once("close", () => {
      reject(new DomainError("CANCELLED"));
    });
    request.once("error", () => {
      reject(new DomainError("CANCELLED"));
    });
  });
}

function isJson(request: IncomingMessage): boolean {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  return encoding === "identity" && /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type);
}
