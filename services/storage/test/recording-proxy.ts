import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Azurite } from "./azurite.js";

/** What the object store was asked. */
export interface Asked {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A proxy at work. */
export interface RecordingProxy {
  readonly connectionString: string;
  /** In the order in which it came. */
  readonly asked: Asked[];
  stop(): Promise<void>;
}

/** Passes requests on to Azurite, and keeps what they bear. */
export async function startRecordingProxy({ port, connectionString }: Azurite): Promise<RecordingProxy> {
  const asked: Asked[] = [];
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    asked.push({ method, headers });
    const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return {
    asked,
    connectionString: connectionString.replace(`:${port}/`, `:${own}/`),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
