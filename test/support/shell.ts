import { spawn } from "node:child_process";
import { until } from "./until.js";

/** A command of a shell at work, and all that it started. */
export interface ShellCommand {
  /** Waits until it has written what matches; answers the first group, or the whole. */
  says(pattern: RegExp): Promise<string>;
  /** Tells all of them, as a terminal does. */
  signal(signal: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(): Promise<void>;
}

/** Starts a command line as the leader of a process group. */
export function startShell(
  command: string,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): ShellCommand {
  const child = spawn("bash", ["-c", command], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  let over = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      over = true;
      resolve(code);
    });
  });
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch (error) {
      // Nobody of the group is left.
      if (!over) throw error;
    }
  };
  return {
    async says(pattern) {
      const found = await until(() => pattern.exec(said) ?? (over ? "over" : undefined));
      if (found === "over") throw new Error(`${command} ended without saying ${pattern.source}: ${said}`);
      return found[1] ?? found[0];
    },
    signal,
    ended,
    async kill() {
      signal("SIGKILL");
      await ended;
    },
  };
}
