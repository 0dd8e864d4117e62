import { fromBinary, toJson, type FileRegistry, type JsonValue } from "@bufbuild/protobuf";
import type { RawCaller } from "@reelmesh/mesh/client.js";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { Agent, createServer, request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { createApp, type AppOptions } from "../src/app.js";

/** A call that crossed the edge: what a service would have seen. */
export interface SeenCall {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly json: JsonValue;
  readonly scope: CallScope;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  /** Sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** The app on a port of its own, in front of services that keep what they are asked and answer with `answer`. */
export interface Edge {
  readonly port: number;
  readonly calls: SeenCall[];
  readonly logged: unknown[];
  ask(asked: Asked): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startEdge(
  options: Partial<AppOptions> & { contracts: FileRegistry; answer?: RawCaller },
): Promise<Edge> {
  const calls: SeenCall[] = [];
  const logged: unknown[] = [];
  const call: RawCaller = async (path, bytes, scope) => {
    const [service = "", method = ""] = path.slice(1).split("/");
    const descriptor = options.contracts.getService(service)?.methods.find(({ name }) => name === method);
    if (!descriptor) throw new Error(`${path} is no method`);
    calls.push({ path, bytes, json: toJson(descriptor.input, fromBinary(descriptor.input, bytes)), scope });
    return options.answer ? options.answer(path, bytes, scope) : new Uint8Array();
  };
  const app = createApp({
    callerOf: () => call,
    principalOf: () => ({}),
    events: () => Promise.reject(new Error("nobody listens here")),
    allowedHosts: [],
    webFolder: tmpdir() + "/there-is-no-such-folder",
    log: { error: (...entry: unknown[]) => void logged.push(entry) },
    ...options,
  });
  const server = createServer(app);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;

  return {
    port,
    calls,
    logged,
    ask: (asked) => ask(agent, port, asked),
    async stop() {
      agent.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function ask(agent: Agent, port: number, { method, path, headers, body }: Asked): Promise<Answer> {
  // Node announces no length for the methods that seldom have a body.
  const announced =
    body === undefined || headers?.["transfer-encoding"] ? {} : { "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = { ...announced, ...headers };
    const options = { agent, host: "127.0.0.1", port, method: method ?? "GET", path, headers: sent };
    const asking = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    asking.once("error", reject);
    asking.end(body);
  });
}
