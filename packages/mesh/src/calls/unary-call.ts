import { setMaxListeners } from "node:events";
import { connectivityState, status } from "@grpc/grpc-js";
import { AVOID_BACKEND } from "../balancing/names.js";
import { DomainError } from "../errors.js";
import { Attempt, type AttemptEnd, type AttemptListener } from "./attempt.js";
import { createRetrier, failureOf, type Calls, type OutgoingCall } from "./outgoing-call.js";

/** Below this a second attempt costs more than it can win, in milliseconds. */
const SHORTEST_HEDGE_MS = 5;

interface Running {
  readonly attempt: Attempt;
  readonly number: number;
  message: Buffer | undefined;
}

/**
 * One unary call: its attempts one after another as the retry policy allows, and for a method without side effects one
 * beside the first that takes longer than its 95th percentile ("The Tail at Scale", Dean and Barroso 2013). Resolves
 * with the first answer; rejects with a DomainError, or with the reason of the scope's abort.
 */
export function callUnary(calls: Calls, call: OutgoingCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new UnaryCall(calls, call, resolve, reject).start();
  });
}

class UnaryCall {
  readonly #calls: Calls;
  readonly #call: OutgoingCall;
  readonly #resolve: (answer: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #startedMs = performance.now();
  readonly #running = new Set<Running>();
  #retrier: ReturnType<typeof createRetrier> | undefined;
  #attempts = 0;
  #hedge: number | undefined;
  #failure: AttemptEnd | undefined;
  #late: NodeJS.Timeout | undefined;
  /** Before the next attempt, be it a hedge or a retry. */
  #pause: NodeJS.Timeout | undefined;

  constructor(calls: Calls, call: OutgoingCall, resolve: (answer: unknown) => void, reject: (reason: unknown) => void) {
    this.#calls = calls;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { deadline, scope } = this.#call;
    this.#calls.budget.deposit();
    this.#attempt();
    // As many as there are calls at a time: each goes with its call.
    setMaxListeners(0, scope.signal);
    scope.signal.addEventListener("abort", this.#abort);
    this.#late = setTimeout(this.#expire, deadline - Date.now());
    const hedgeMs = this.#hedgeDelay();
    if (hedgeMs !== undefined) this.#pause = setTimeout(this.#startHedge, hedgeMs);
  }

  #attempt(): void {
    const { metadata, request, shape, deadline } = this.#call;
    const line = this.#calls.lines.current();
    const number = (this.#attempts += 1);
    const listener: AttemptListener = {
      onMessage: (bytes) => {
        running.message = bytes;
      },
      onEnd: (end) => {
        this.#ended(running, end);
      },
    };
    const attempt = new Attempt(
      { line, service: this.#calls.service, path: shape.path, metadata, deadline, request },
      listener,
    );
    const running: Running = { number, attempt, message: undefined };
    this.#running.add(running);
  }

  #ended(running: Running, end: AttemptEnd): void {
    const { facts } = this.#call;
    this.#running.delete(running);
    if (facts) {
      facts.attempt = running.number;
      if (end.backend !== undefined) facts.backend = end.backend;
    }
    if (end.code === status.OK) this.#succeed(running);
    else this.#fail(end);
  }

  #succeed({ number, message }: Running): void {
    const { shape } = this.#call;
    // A hedge's answer bounds from below what the first attempt would have taken.
    if (this.#failure === undefined && shape.kind === "unary") {
      this.#calls.latencyOf(shape.path).record(performance.now() - this.#startedMs);
    }
    if (this.#hedge !== undefined) this.#tellHedge(number === this.#hedge ? "won" : "lost");
    this.#finish();
    try {
      if (!message) throw new Error("The answer has no message");
      this.#resolve(shape.deserialize(message));
    } catch (cause) {
      this.#reject(Object.assign(new DomainError("INTERNAL"), { cause }));
    }
  }

  #fail(end: AttemptEnd): void {
    this.#failure = end;
    this.#retrier ??= createRetrier(this.#calls, this.#call);
    // The other attempt is this one's retry.
    if (this.#running.size > 0 && this.#retrier.allows(end)) return;
    clearTimeout(this.#pause);
    const waitMs = this.#running.size > 0 ? undefined : this.#retrier.next(end);
    if (waitMs === undefined) {
      this.#finish();
      this.#reject(failureOf(end, this.#calls.service));
      return;
    }
    if (end.backend !== undefined) this.#call.metadata.set(AVOID_BACKEND, end.backend);
    this.#pause = setTimeout(() => {
      this.#retry(end.code);
    }, waitMs);
  }

  #retry(code: status): void {
    const { caller, service, observer } = this.#calls;
    const method = this.#call.shape.path.slice(1);
    observer.retry?.({ caller, service, method, attempt: this.#attempts + 1, code });
    this.#again();
  }

  #again(): void {
    try {
      this.#attempt();
    } catch (error) {
      this.#finish();
      this.#reject(error);
    }
  }

  #hedgeDelay(): number | undefined {
    const { shape, deadline } = this.#call;
    if (shape.idempotency !== "NO_SIDE_EFFECTS" || shape.kind !== "unary") return undefined;
    const usual = this.#calls.latencyOf(shape.path).value();
    if (usual === undefined) return undefined;
    const ms = Math.max(SHORTEST_HEDGE_MS, usual);
    return Date.now() + ms < deadline ? ms : undefined;
  }

  readonly #startHedge = () => {
    const { budget, lines } = this.#calls;
    const { cancels, channel } = lines.current();
    // What waits for a connection gains nothing by waiting twice.
    if (channel.getConnectivityState(false) !== connectivityState.READY) return;
    if (!cancels.spare() || !budget.withdrawSpare()) return;
    this.#hedge = this.#attempts + 1;
    this.#tellHedge("sent");
    this.#again();
  };

  #tellHedge(outcome: "sent" | "won" | "lost"): void {
    const { caller, service, observer } = this.#calls;
    observer.hedge?.({ caller, service, method: this.#call.shape.path.slice(1), outcome });
  }

  readonly #abort = () => {
    this.#finish();
    this.#reject(this.#call.scope.signal.reason);
  };

  readonly #expire = () => {
    this.#finish();
    this.#reject(new DomainError("DEADLINE_EXCEEDED"));
  };

  #finish(): void {
    clearTimeout(this.#late);
    clearTimeout(this.#pause);
    this.#call.scope.signal.removeEventListener("abort", this.#abort);
    for (const { attempt } of this.#running) {
      if (this.#call.facts) this.#call.facts.backend ??= attempt.backend;
      attempt.drop();
    }
    this.#running.clear();
  }
}
