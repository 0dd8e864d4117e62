import { request, type IncomingMessage } from "node:http";
import type { RunningMesh } from "../../src/start.js";
import { afterTest } from "./mesh.js";
import { until } from "./until.js";

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly csp: unknown;
  readonly body: string;
}

type Ops = Pick<RunningMesh, "opsAddress">;

function open(mesh: Ops, path: string, { host, method = "GET" }: { host?: string; method?: string } = {}) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    const asked = request(`http://${mesh.opsAddress}${path}`, { method, headers }, resolve);
    asked.once("error", reject).end();
    afterTest(() => void asked.destroy());
  });
}

/** Asks the operators' port; a stream is left after its headers. */
export async function get(mesh: Ops, path: string, options?: { host?: string; method?: string }): Promise<Answer> {
  const response = await open(mesh, path, options);
  let body = "";
  response.setEncoding("utf8");
  if (response.headers["content-type"] !== "text/event-stream") for await (const part of response) body += String(part);
  const { "content-type": type, "content-security-policy": csp } = response.headers;
  return { status: response.statusCode, type, csp, body };
}

/** Follows server-sent events, whose data is JSON. */
export async function readEvents(mesh: Ops, path: string) {
  const response = await open(mesh, path);
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => (text += part));
  response.on("error", () => undefined);
  const events = () => [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data = ""]): unknown => JSON.parse(data));
  return {
    text: () => text,
    async until(count: number) {
      await until(() => events().length >= count);
      return events();
    },
  };
}
