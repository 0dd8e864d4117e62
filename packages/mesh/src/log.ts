import { format } from "node:util";
import { setLogger } from "@grpc/grpc-js";
import { pino, type DestinationStream, type Logger } from "pino";
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
    timestamp: timeMember,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination ?? (stdout ??= byTurns(pino.destination(1))));
}

let stdout: DestinationStream | undefined;

/**
 * Writes what is logged within a turn of the event loop at once when the turn ends, for each write costs as much as a
 * call's whole line; and what is left when the process exits.
 */
export function byTurns(destination: DestinationStream): DestinationStream {
  let lines = "";
  const flush = () => {
    const text = lines;
    lines = "";
    if (text !== "") destination.write(text);
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
    },
  };
}

let stampedMs = Number.NaN;
let stamp = "";

/** The member `time`, spelt once a millisecond. */
function timeMember(): string {
  const nowMs = Date.now();
  if (nowMs !== stampedMs) {
    stampedMs = nowMs;
    stamp = `,"time":"${new Date(nowMs).toISOString()}"`;
  }
  return stamp;
}

/** Lets grpc-js, which otherwise writes on stderr, speak in the log. There is one for the process: the last given. */
export function logGrpc(log: Logger): void {
  setLogger({
    error(...words: unknown[]) {
      log.warn(format(...words));
    },
  });
}
