import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { buildSync } from "esbuild";

const PACKAGE = join(__dirname, "..");
const MODULES = join(PACKAGE, "../../node_modules");

/** @returns a script that plain Node runs, made of a program under test/ and our sources. */
export function builtProgram(name: string, folder: string): string {
  const outfile = join(folder, `${name}.cjs`);
  const entry = join(PACKAGE, "test", `${name}.ts`);
  buildSync({ entryPoints: [entry], outfile, bundle: true, packages: "external", platform: "node", format: "cjs" });
  return outfile;
}

export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: Interface;
  readonly exited: Promise<void>;
}

/** Runs a built program; its complaints go to our stderr. */
export function startProgram(program: string, argv: readonly string[], tracer: readonly string[] = []): Child {
  const [command = "", ...rest] = [...tracer, process.execPath, program, ...argv];
  const child = spawn(command, rest, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_PATH: MODULES },
  });
  const exited = new Promise<void>((resolve) =>
    child.once("close", () => {
      resolve();
    }),
  );
  return { process: child, lines: createInterface({ input: child.stdout }), exited };
}
