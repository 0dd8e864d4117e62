import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(__dirname, "../..");

/** Some of Reelmesh's modules in a process of their own, as they are built. */
export interface ModuleProcess {
  readonly ops: string;
  /** Where its modules listen, by name. */
  readonly addresses: Readonly<Record<string, string>>;
  stop(): Promise<number | null>;
}

/**
 * Starts a process on free ports and waits until it serves.
 *
 * @param select an expression that chooses among all modules, such as `({ name }) => name === "storage"`.
 */
export async function startModuleProcess(
  select: string,
  variables: Readonly<Record<string, string>>,
): Promise<ModuleProcess> {
  const program = `
    import { modules } from "@reelmesh/all/modules.js";
    import { run } from "@reelmesh/mesh/run.js";
    const chosen = modules.filter(${select});
    const listening = chosen.filter(({ name, port }) => port !== undefined || name === "gateway");
    for (const { name } of listening) process.env[name.toUpperCase().replaceAll("-", "_") + "_LISTEN"] = "127.0.0.1:0";
    await run(chosen, (mesh) => {
      const addresses = Object.fromEntries(listening.map(({ name }) => [name, mesh.addressOf(name)]));
      console.log(JSON.stringify({ ops: mesh.opsAddress, addresses }));
    });`;
  const env = { PATH: process.env.PATH, OPS_LISTEN: "127.0.0.1:0", LOG_LEVEL: "silent", ...variables };
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  for await (const line of createInterface(child.stdout)) {
    child.stdout.resume();
    const said: unknown = JSON.parse(line);
    if (!isReady(said)) break;
    return {
      ...said,
      stop() {
        child.kill("SIGTERM");
        return gone;
      },
    };
  }
  throw new Error(`It ended before it was ready: ${complaint}`);
}

function isReady(value: unknown): value is Pick<ModuleProcess, "ops" | "addresses"> {
  return typeof value === "object" && value !== null && "ops" in value && "addresses" in value;
}
