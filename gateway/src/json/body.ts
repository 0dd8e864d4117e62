import { DomainError } from "@reelmesh/mesh/errors.js";
import type { IncomingMessage } from "node:http";
import { EdgeError } from "../problem.js";

export interface BodyLimits {
  readonly limitBytes: number;
  /** How long the body may take to arrive. */
  readonly timeoutMs: number;
}

/**
 * Reads a JSON body whole, as bytes; nothing is no body.
 *
 * @throws EdgeError MEDIA_TYPE_NOT_SUPPORTED, BODY_TOO_SLOW; DomainError TOO_LARGE, and CANCELLED when the client
 *   leaves before the end.
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  if (Number(length) === 0 && encoding === undefined) return Buffer.alloc(0);
  if (Number(length) > limits.limitBytes) throw tooLarge(limits);
  if (request.destroyed) throw new DomainError("CANCELLED");
  const body = await collect(request, limits);
  if (body.length > 0 && !isJson(request)) throw new EdgeError("MEDIA_TYPE_NOT_SUPPORTED");
  return body;
}

async function collect(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const body = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    timer = setTimeout(() => {
      reject(new EdgeError("BODY_TOO_SLOW", { connection: "close" }));
    }, limits.timeoutMs);
    // What comes beyond the limit is read and dropped: a client that is still writing would not see the answer.
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limits.limitBytes) chunks.push(chunk);
      else reject(tooLarge(limits));
    });
    request.once("end", () => {
      resolve(Buffer.concat(chunks));
    });
    for (const event of ["close", "error"]) {
      request.once(event, () => {
        reject(new DomainError("CANCELLED"));
      });
    }
  });
  try {
    return await body;
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge({ limitBytes }: BodyLimits): DomainError {
  return new DomainError("TOO_LARGE", { resource: "The body", limit_bytes: String(limitBytes) });
}

function isJson(request: IncomingMessage): boolean {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  return encoding === "identity" && /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type);
}
