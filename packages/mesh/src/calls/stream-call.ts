import { setMaxListeners } from "node:events";
import { status } from "@grpc/grpc-js";
import { AVOID_BACKEND } from "../balancing/names.js";
import { DomainError } from "../errors.js";
import { Attempt, type AttemptEnd } from "./attempt.js";
import { createRetrier, failureOf, type Calls, type OutgoingCall } from "./outgoing-call.js";

/**
 * A stream's messages as they are asked for: none is read ahead but the one that is next, and flow control holds the
 * rest at its sender. It is begun again as the retry policy allows until its first message; from then on its reader
 * has seen some of it, and only the reader knows where to go on. Leaving the loop early cancels it.
 *
 * @param idleMs how long each message may be waited for; the time its reader takes does not count.
 * @throws DomainError; the reason of the scope's abort.
 */
export async function* callStream(calls: Calls, call: OutgoingCall, idleMs: number): AsyncGenerator {
  const { scope, shape, facts } = call;
  const retrier = createRetrier(calls, call);
  calls.budget.deposit();
  for (let number = 1; ; number += 1) {
    const reader = new StreamReader(calls, call);
    let seen = false;
    if (facts) facts.attempt = number;
    try {
      for (let next = await reader.next(idleMs); next !== undefined; next = await reader.next(idleMs)) {
        seen = true;
        yield shape.deserialize(next);
      }
      return;
    } catch (error) {
      const failed = reader.failed;
      if (seen || !failed || error !== failed.error) throw error;
      const waitMs = retrier.next(failed.end);
      if (waitMs === undefined) throw error;
      if (failed.end.backend !== undefined) call.metadata.set(AVOID_BACKEND, failed.end.backend);
      await pause(waitMs, call);
      scope.signal.throwIfAborted();
      const { caller, service, observer } = calls;
      observer.retry?.({ caller, service, method: shape.path.slice(1), attempt: number + 1, code: failed.end.code });
    } finally {
      if (facts && reader.backend !== undefined) facts.backend = reader.backend;
      reader.close();
    }
  }
}

/** Reads one attempt's messages, one at a time. */
class StreamReader {
  readonly #attempt: Attempt;
  readonly #call: OutgoingCall;
  readonly #late: NodeJS.Timeout | undefined;
  #held: Buffer | undefined;
  #asked = true;
  #ended = false;
  #stopped: { readonly reason: unknown } | undefined;
  #failed: { readonly end: AttemptEnd; readonly error: DomainError } | undefined;
  #backend: string | undefined;
  #wake: () => void = () => undefined;

  constructor(calls: Calls, call: OutgoingCall) {
    const { metadata, request, shape, scope, deadline } = call;
    this.#call = call;
    this.#attempt = new Attempt(
      { line: calls.lines.current(), service: calls.service, path: shape.path, metadata, deadline, request },
      {
        onMessage: (bytes) => {
          this.#held = bytes;
          this.#wake();
        },
        onEnd: (end) => {
          this.#ended = true;
          this.#backend = end.backend;
          if (end.code !== status.OK) {
            const error = failureOf(end, calls.service);
            this.#stopped ??= { reason: error };
            this.#failed = { end, error };
          }
          this.#wake();
        },
      },
    );
    // As many as there are calls at a time: each goes with its call.
    setMaxListeners(0, scope.signal);
    scope.signal.addEventListener("abort", this.#abort);
    if (deadline !== Infinity) this.#late = setTimeout(this.#expire, deadline - Date.now());
  }

  /** How the attempt itself failed, if it did. */
  get failed(): { readonly end: AttemptEnd; readonly error: DomainError } | undefined {
    return this.#failed;
  }

  get backend(): string | undefined {
    return this.#backend ?? this.#attempt.backend;
  }

  /** The next message; undefined at the end. */
  async next(idleMs: number): Promise<Buffer | undefined> {
    if (this.#held === undefined && !this.#over()) {
      if (!this.#asked) this.#attempt.read();
      this.#asked = true;
      const idle = setTimeout(this.#expire, idleMs);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      clearTimeout(idle);
    }
    const message = this.#held;
    this.#held = undefined;
    this.#asked = false;
    if (message !== undefined && !this.#call.scope.signal.aborted) return message;
    if (this.#stopped) throw this.#stopped.reason;
    return undefined;
  }

  close(): void {
    clearTimeout(this.#late);
    this.#call.scope.signal.removeEventListener("abort", this.#abort);
    if (!this.#ended) this.#attempt.drop();
  }

  #over(): boolean {
    return this.#ended || this.#stopped !== undefined;
  }

  readonly #abort = () => {
    this.#stop(this.#call.scope.signal.reason);
  };

  readonly #expire = () => {
    this.#stop(new DomainError("DEADLINE_EXCEEDED"));
  };

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    // At once: its reader may be at something else for long.
    this.#attempt.drop();
    this.#wake();
  }
}

/** Waits, but no longer than the scope lasts. */
async function pause(ms: number, { scope: { signal } }: OutgoingCall): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
