/** The calls at work in one server. */
export interface ActiveCalls {
  /** Counts a call in; the answer counts it out. */
  begin(call: AbortController): () => void;
  /** Ends every call, for this reason. */
  abort(reason: Error): void;
  /** Resolves as soon as no call is at work. */
  idle(): Promise<void>;
}

export function createActiveCalls(): ActiveCalls {
  const active = new Set<AbortController>();
  const waiting: (() => void)[] = [];
  return {
    begin(call) {
      active.add(call);
      return () => {
        active.delete(call);
        if (active.size === 0) for (const resolve of waiting.splice(0)) resolve();
      };
    },
    abort(reason) {
      for (const call of active) call.abort(reason);
    },
    idle: () =>
      new Promise((resolve) => {
        if (active.size === 0) resolve();
        else waiting.push(resolve);
      }),
  };
}
