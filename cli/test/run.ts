import { spawn } from "node:child_process";
import { join } from "node:path";

const BIN = join(__dirname, "../bin/reelmesh.js");

/** A command's end and all it has said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command at work. */
export interface Running {
  stdout(): string;
  /** Ends it as Ctrl+C does. */
  interrupt(): void;
  /** Ends it as a loss of power does. */
  kill(): void;
  readonly ended: Promise<Ended>;
}

/** Starts `reelmesh` as a process of its own, without this one's environment. */
export function start(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Running {
  const env = { PATH: process.env.PATH, ...variables };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  return {
    stdout: () => said.stdout,
    interrupt: () => void child.kill("SIGINT"),
    kill: () => void child.kill("SIGKILL"),
    ended: new Promise((resolve) => {
      child.once("close", (code) => {
        resolve({ code, ...said });
      });
    }),
  };
}

export function reelmesh(args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Ended> {
  return start(args, variables).ended;
}
