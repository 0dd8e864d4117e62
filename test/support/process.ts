import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FREE_PORTS } from "./mesh.js";

const ALL = join(__dirname, "../../services/dist/all.js");

/** `npm start` as a process of its own, which can be killed. */
export interface Process {
  readonly url: string;
  readonly pid: number;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it politely; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts everything built, and waits until it has said where it is. */
export async function startProcess(variables: Readonly<Record<string, string>>): Promise<Process> {
  const env = { PATH: process.env.PATH, ...FREE_PORTS, ...variables };
  const child = spawn(process.execPath, [ALL], { env, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const url = await addressOf(child, () => complaint);
  const gone = once(child, "exit");
  return {
    url,
    pid: child.pid ?? 0,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
    async stop() {
      child.kill("SIGTERM");
      await gone;
      return child.exitCode;
    },
  };
}

async function addressOf({ stdout }: ChildProcess, complaint: () => string): Promise<string> {
  if (!stdout) throw new Error("The process has no output");
  for await (const line of createInterface(stdout)) {
    const url = /^Reelmesh is at (\S+)$/.exec(line)?.[1];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error(`It ended before it was ready: ${complaint()}`);
}
