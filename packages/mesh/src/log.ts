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
  return pino(options, destination ?? (stdout ??= gathered(pino.destination(1))));
}

let stdout: DestinationStream | undefined;

/** How long a line may wait for others. */
const GATHER_MS = 5;

/** Writes at once what is logged within 5 ms, for a write costs several times what a line does; the rest at the exit. */
export function gathered(destination: DestinationStream): DestinationStream {
  let lines = "";
  const flush = () => {
    const text = lines;
    lines = "";
    if (text !== "") destination.write(text);
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setTimeout(flush, GATHER_MS).unref();
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
