import { build } from "esbuild";
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterTest, environmentOf } from "./mesh.js";
import { until } from "./until.js";

const ROOT = join(__dirname, "../../../..");

/** Builds a program of this folder, and the sources it stands on, into a temporary folder: tests need no earlier build. */
export async function buildProgram(
  source: "program.ts" | "read-secret.ts" | "replica.ts",
): Promise<{ file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "reelmesh-mesh-"));
  const file = join(folder, "program.mjs");
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await build({
    entryPoints: [join(__dirname, source)],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["reelmesh-source"],
    external: ["@grpc/*", "@bufbuild/*", "@opentelemetry/*", "grpc-health-check", "jose", "pino", "prom-client"],
    logLevel: "warning",
  });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A child process and all it has said. */
export interface Program {
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the address of its storage service when it serves. */
  ready(): Promise<string>;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs the built program, which is killed should it outlive the test. */
export function runProgram(file: string, task: string, variables: Record<string, string | undefined> = {}): Program {
  const names = [{ name: "storage" }];
  const env = { ...environmentOf(names), PATH: process.env.PATH, ...variables };
  const child = spawn(process.execPath, [file, task], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  let over = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });
  afterTest(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    kill: (signal) => void child.kill(signal),
    ended,
    async ready() {
      await until(() => over || said.stdout.includes("ready "));
      const [, address] = /^ready (\S+)$/m.exec(said.stdout) ?? [];
      if (address === undefined) throw new Error(`It never became ready: ${said.stderr}`);
      return address;
    },
  };
}
