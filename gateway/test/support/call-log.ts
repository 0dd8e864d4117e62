import { membersOf } from "./http.js";

/** The calls that services have ended, as their own log tells. */
export interface CallLog {
  /** Where to write the log; LOG_LEVEL has to be info. */
  readonly destination: { write(line: string): void };
  /** How many calls of a method ended, with any status or with this one. */
  count(method: string, status?: string): number;
  /** Called after each call of a method. */
  onCall(method: string, listener: () => void): void;
}

export function createCallLog(): CallLog {
  const calls: { method: string; status: unknown }[] = [];
  const listeners: { method: string; listener: () => void }[] = [];
  return {
    destination: {
      write(line) {
        const { rpc, status } = membersOf(line);
        if (typeof rpc !== "string") return;
        const method = rpc.replace(/^.*\//, "");
        calls.push({ method, status });
        for (const each of listeners) if (each.method === method) each.listener();
      },
    },
    count: (method, status) =>
      calls.filter((call) => call.method === method && (status === undefined || call.status === status)).length,
    onCall: (method, listener) => void listeners.push({ method, listener }),
  };
}
