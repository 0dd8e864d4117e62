/** A call that can be ended. */
export interface ActiveCall {
  end(reason: Error): void;
}

/** The calls at work in one server. */
export interface ActiveCalls {
  /** Counts a call in; the answer counts it out. */
  begin(call: ActiveCall): () => void;
  /** Ends every call, for this reason. */
  abort(reason: Error): void;
  /** Resolves as soon as the calls that are at work now have ended. */
  ended(): Promise<void>;
}

export function createActiveCalls(): ActiveCalls {
  // An array whose gaps are closed by its last: V8 keeps the tables that a busy Set outgrows, and all that was in them,
  // until it collects the old generation.
  const active: { readonly call: ActiveCall; readonly number: number; place: number }[] = [];
  const waiting = new Set<{ readonly upTo: number; left: number; readonly resolve: () => void }>();
  let begun = 0;

  const tellEnd = (number: number) => {
    for (const waiter of waiting) {
      if (number > waiter.upTo) continue;
      waiter.left -= 1;
      if (waiter.left > 0) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };
  return {
    begin(call) {
      const entry = { call, number: (begun += 1), place: active.length };
      active.push(entry);
      return () => {
        const last = active.pop();
        if (last && last !== entry) {
          last.place = entry.place;
          active[entry.place] = last;
        }
        tellEnd(entry.number);
      };
    },
    abort(reason) {
      for (const { call } of [...active]) call.end(reason);
    },
    ended: () =>
      new Promise((resolve) => {
        if (active.length === 0) resolve();
        else waiting.add({ upTo: begun, left: active.length, resolve });
      }),
  };
}
