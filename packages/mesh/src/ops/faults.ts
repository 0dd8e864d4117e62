import type { IncomingMessage, ServerResponse } from "node:http";
import type { Faults } from "../faults/faults.js";
import { FaultRuleError, parseFaultRules } from "../faults/rules.js";
import { sendJson } from "./respond.js";

const LARGEST_BODY = 64 * 1024;
const VERBS = ["GET", "HEAD", "PUT", "DELETE"];
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/**
 * Answers `/mesh/faults`: GET tells the rules in force, PUT puts those of its body in their place, DELETE ends all harm.
 * Only who is on this machine may, and no page of a browser.
 */
export async function answerFaults(
  request: IncomingMessage,
  response: ServerResponse,
  { faults, secure }: { readonly faults: Faults | undefined; readonly secure: boolean },
): Promise<void> {
  const { method = "", headers, socket } = request;
  if (!VERBS.includes(method)) {
    response.setHeader("allow", VERBS.join(", "));
    sendJson(response, 405, { status: `faults take ${VERBS.join(", ")}` });
  } else if (!faults) {
    sendJson(response, 403, { status: refusal(secure) });
  } else if (headers.origin !== undefined) {
    sendJson(response, 403, { status: "faults are no business of a page in a browser" });
  } else if (!LOOPBACK.test(socket.remoteAddress ?? "")) {
    sendJson(response, 403, { status: "faults are set from the machine, container or pod itself, by loopback" });
  } else if (method === "PUT") {
    await put(request, response, faults);
  } else {
    if (method === "DELETE") faults.set([]);
    sendJson(response, 200, faults.rules());
  }
}

function refusal(secure: boolean): string {
  return secure
    ? "calls are not harmed where they come with certificates (MESH_TLS_CERT, MESH_TLS_KEY, MESH_TLS_CA)"
    : "calls are not harmed where the process was not started with MESH_FAULTS=allow";
}

async function put(request: IncomingMessage, response: ServerResponse, faults: Faults): Promise<void> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    sendJson(response, 415, { status: "the rules come as application/json" });
    return;
  }
  try {
    const body = await read(request);
    if (body === undefined) {
      response.setHeader("connection", "close");
      sendJson(response, 413, { status: `the rules are larger than ${LARGEST_BODY} bytes` });
      return;
    }
    faults.set(parseFaultRules(body));
    sendJson(response, 200, faults.rules());
  } catch (error) {
    if (error instanceof FaultRuleError) sendJson(response, 400, { status: error.message, field: error.field });
    // Whoever asked has gone.
    else response.destroy();
  }
}

/** The body as text; undefined for one that is too large. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > LARGEST_BODY) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
