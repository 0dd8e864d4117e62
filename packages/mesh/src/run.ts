import { ConfigError } from "./environment.js";
import type { Module } from "./module.js";
import { startModules, type RunningMesh } from "./start.js";

/** How often a module that lost its reason to live may hold up the end of the process. */
const LAST_RESORT_MS = 30_000;

/**
 * Runs modules until SIGTERM, SIGINT, or one of them fails, and ends the process: code 0 after a signal, 1 after a
 * failure, whose reason is on stderr. A second signal ends it at once.
 *
 * @param onReady called when every module serves.
 */
export async function run(modules: readonly Module[], onReady?: (mesh: RunningMesh) => void): Promise<void> {
  const ended = firstOf(["SIGTERM", "SIGINT"]);
  let mesh: RunningMesh;
  try {
    mesh = await startModules(modules, process.env);
  } catch (error) {
    complain(error);
    process.exit(1);
  }
  onReady?.(mesh);
  const crashed = new Promise<unknown>((resolve) => {
    process.once("uncaughtException", resolve);
    process.once("unhandledRejection", resolve);
  });
  const reason = await Promise.race([ended, mesh.failed.then(asFailure), crashed.then(asFailure)]);
  if (reason !== undefined) mesh.log.error({ err: reason.failure }, "a module failed: everything stops");
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(1));
  setTimeout(() => process.exit(1), LAST_RESORT_MS).unref();
  await mesh.stop();
  if (reason !== undefined) complain(reason.failure);
  process.exit(reason === undefined ? 0 : 1);
}

function firstOf(signals: readonly NodeJS.Signals[]): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of signals)
      process.once(signal, () => {
        resolve(undefined);
      });
  });
}

function asFailure(failure: unknown): { failure: unknown } {
  return { failure };
}

function complain(error: unknown): void {
  const words = error instanceof ConfigError ? error.message : error instanceof Error ? describe(error) : String(error);
  process.stderr.write(`${words}\n`);
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
