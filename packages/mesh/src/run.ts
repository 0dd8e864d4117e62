import { inspect } from "node:util";
import type { Module } from "./module.js";
import { startModules, type RunningMesh } from "./start.js";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Runs modules until SIGTERM, SIGINT, or one of them fails, and ends the process: code 0 after a signal, 1 after a
 * failure, whose reason is on stderr. A second signal ends it at once.
 *
 * @param onReady called when every module serves.
 */
export async function run(modules: readonly Module[], onReady?: (mesh: RunningMesh) => void): Promise<void> {
  const told = new Promise<undefined>((resolve) => {
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        resolve(undefined);
        for (const again of SIGNALS) process.once(again, () => process.exit(1));
      });
    }
  });
  let mesh: RunningMesh;
  try {
    mesh = await startModules(modules, process.env);
  } catch (error) {
    complain(error);
    process.exit(1);
  }
  onReady?.(mesh);
  // A rejection that nothing handles comes as an exception too.
  const crashed = new Promise<Error>((resolve) => {
    process.once("uncaughtException", (cause) => {
      resolve(new Error("An error that nothing caught", { cause }));
    });
  });
  const failure = await Promise.race([told, mesh.failed, crashed]);
  if (failure !== undefined) {
    mesh.log.error({ err: failure }, "everything stops");
    complain(failure);
  }
  await mesh.stop();
  process.exit(failure === undefined ? 0 : 1);
}

function complain(error: unknown): void {
  process.stderr.write(`${sentence(error)}\n`);
}

/** An error's message and those of its causes. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  return error.cause === undefined ? error.message : `${error.message}: ${sentence(error.cause)}`;
}
