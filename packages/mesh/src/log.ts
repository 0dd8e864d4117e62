import { format } from "node:util";
import { setLogger } from "@grpc/grpc-js";
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import type { Environment } from "./environment.js";

export type { Logger };

const LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** How much is logged: `LOG_LEVEL`, default `info`, or `warn` where several modules share one process. */
export function readLogLevel(environment: Environment): (typeof LEVELS)[number] {
  return environment.oneOf("LOG_LEVEL", { values: LEVELS, default: environment.alone ? "info" : "warn" });
}

/** JSON lines with `time` as RFC 3339 and `level` as a word. Errors are written with their stack and causes. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Lets grpc-js, which otherwise writes on stderr, speak in the log. There is one for the process: the last given. */
export function logGrpc(log: Logger): void {
  setLogger({
    error(...words: unknown[]) {
      log.warn(format(...words));
    },
  });
}
