import type { Logger } from "pino";
import type { Criticality } from "./admission/criticality.js";
import type { CallContext, Principal } from "./call.js";
import type { TraceContext } from "./observe/trace.js";

/** What a call brings along. */
export interface Arrival {
  readonly requestId: string;
  readonly peer: string;
  readonly trace: TraceContext;
  readonly criticality: Criticality;
  readonly deadline: number | undefined;
}

/**
 * A call while it is served, as its handler sees it. Its logger is made when it is first asked for: it costs more than
 * all else that is done for a call, and few handlers log. What a scope has are plain members, which a copy keeps.
 */
export class ServedCall implements CallContext {
  readonly requestId: string;
  readonly peer: string;
  readonly trace: TraceContext;
  readonly criticality: Criticality;
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
  /** Known once the call was let in. */
  caller: string | undefined;
  principal: Principal | undefined;
  principalToken: string | undefined;
  readonly #abort = new AbortController();
  readonly #methodLog: Logger;
  #log: Logger | undefined;

  constructor({ requestId, peer, trace, criticality, deadline }: Arrival, methodLog: Logger) {
    this.requestId = requestId;
    this.peer = peer;
    this.trace = trace;
    this.criticality = criticality;
    this.deadline = deadline;
    this.signal = this.#abort.signal;
    this.#methodLog = methodLog;
  }

  get log(): Logger {
    return (this.#log ??= this.#methodLog.child({ request_id: this.requestId, trace_id: this.trace.traceId }));
  }

  /** Ends the call, unless it has been. */
  end(reason: Error): void {
    this.#abort.abort(reason);
  }
}
