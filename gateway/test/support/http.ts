import { Agent, request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Cleanup } from "../../../test/support/cleanup.js";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What to ask; header values are sent as they are. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
}

/** A client of one server, which keeps its connections. */
export interface HttpClient {
  /** Asks, and waits for the whole answer. Rejects when it is cut short. */
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** Begins a request; its body and answer are the caller's affair. On a connection of its own. */
  begin(path: string, asked?: Omit<Asked, "body">): ClientRequest;
}

/** @param url such as http://127.0.0.1:40123. */
export function createHttpClient(url: string, cleanup: Cleanup): HttpClient {
  const agent = new Agent({ keepAlive: true });
  cleanup.add(() => {
    agent.destroy();
    return Promise.resolve();
  });
  const { hostname, port } = new URL(url);
  const open = (path: string, { method = "GET", headers = {} }: Asked, through: Agent | false) => {
    // Not through URL, which would tidy the path up.
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
    );
    return request({ hostname, port, path, method, headers: sent, agent: through });
  };
  return {
    async ask(path, asked = {}) {
      const asking = open(path, asked, agent);
      const answered = answerOf(asking);
      asking.end(asked.body);
      const response = await answered;
      return { status: response.statusCode ?? 0, headers: response.headers, body: await bodyOf(response) };
    },
    begin: (path, asked = {}) => open(path, asked, false),
  };
}

/** The beginning of an answer, its body unread. */
export function answerOf(asking: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asking.once("response", resolve);
    asking.on("error", reject);
  });
}

/** An answer's body. Rejects when it is cut short. */
export async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const stream: AsyncIterable<unknown> = response;
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A JSON answer's members. */
export function jsonIn({ body }: Pick<Answer, "body">): Readonly<Record<string, unknown>> {
  return membersOf(body.toString());
}

/** The members of a JSON object. */
export function membersOf(json: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(json);
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}
