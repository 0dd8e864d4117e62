import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.js";
import { until } from "./until.js";

const GATEWAY = join(__dirname, "../../gateway/dist/main.js");

/** An edge as a process of its own, as a container runs it, which can be killed and comes back at the same address. */
export interface EdgeProcess {
  readonly url: string;
  start(): Promise<void>;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill(): Promise<void>;
}

/** @param variables where the services are, and what else it needs. */
export async function startEdgeProcess(
  variables: Readonly<Record<string, string>>,
  cleanup: Cleanup,
): Promise<EdgeProcess> {
  const listen = `127.0.0.1:${await freePort()}`;
  const url = `http://${listen}`;
  const env = { PATH: process.env.PATH, LOG_LEVEL: "silent", ...variables, GATEWAY_LISTEN: listen };
  let kill: EdgeProcess["kill"] = async () => undefined;
  const edge: EdgeProcess = {
    url,
    async start() {
      const child = spawn(process.execPath, [GATEWAY], {
        env: { ...env, OPS_LISTEN: "127.0.0.1:0" },
        stdio: ["ignore", "ignore", "inherit"],
      });
      const gone = once(child, "exit");
      kill = async () => {
        child.kill("SIGKILL");
        await gone;
      };
      await until(async () => {
        if (child.exitCode !== null) throw new Error("The edge ended before it was ready");
        return (await fetch(`${url}/healthz`).catch(() => undefined))?.ok;
      });
    },
    kill: () => kill(),
  };
  cleanup.add(() => edge.kill());
  await edge.start();
  return edge;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
