import { DamagedRecordError, DuplicateKeyError, StoreUnavailableError, UnsupportedError } from "./errors.js";

/** Keeps one batch from holding up the event loop. */
const MAX_BATCH = 256;

/** The part of lmdb's root database that writing takes. */
export interface Transactions {
  /** Runs `action` in a transaction and resolves once that is on disk; undoes it where `action` throws. */
  childTransaction<R>(action: () => R): Promise<R>;
  /** Asked after a transaction has failed: whether another one can be tried. */
  usable(): boolean;
}

interface Job {
  readonly run: () => void;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Runs every write of a folder, one after another, in batches of one transaction each: whatever arrives while a batch
 * is being flushed makes up the next. lmdb is opened without `overlappingSync`, so that its transaction resolves, and
 * its changes become visible, only when data and then meta page are on disk.
 */
export class Writer {
  readonly #root: Transactions;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #failure: StoreUnavailableError | undefined;

  constructor(root: Transactions) {
    this.#root = root;
  }

  /**
   * @param write runs inside the transaction, sees all earlier writes and has to be synchronous. It may throw an error
   *   of this package before it changes anything: then it alone is refused. Any other error undoes the whole batch.
   * @returns what `write` returned, once it is on disk.
   */
  write<R>(write: () => R): Promise<R> {
    const { promise, job } = jobOf(write);
    this.#queue.push(job);
    this.#running ??= this.#drain();
    return promise;
  }

  /** @throws StoreUnavailableError where the last transaction failed and no other can be tried yet. */
  assertUsable(): void {
    if (this.#failure !== undefined && !this.#root.usable()) throw this.#failure;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Waits until nothing is left to write. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Whoever writes in this turn of the event loop belongs to the first batch.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_BATCH);
      try {
        await this.#commit(batch);
        this.#failure = undefined;
        for (const job of batch) job.settle();
      } catch (error) {
        for (const job of batch) job.fail(error);
      }
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    this.assertUsable();
    try {
      await this.#root.childTransaction(() => {
        for (const job of batch) job.run();
      });
    } catch (error) {
      this.#failure = new StoreUnavailableError(await reasonOf(error), { cause: error });
      throw this.#failure;
    }
  }
}

function jobOf<R>(write: () => R): { promise: Promise<R>; job: Job } {
  const { promise, resolve, reject } = withResolvers<R>();
  let settle = (): void => undefined;
  const run = (): void => {
    try {
      const result = write();
      settle = () => {
        resolve(result);
      };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      settle = () => {
        reject(error);
      };
    }
  };
  return {
    promise,
    job: {
      run,
      settle: () => {
        settle();
      },
      fail: reject,
    },
  };
}

function isRefusal(error: unknown): error is Error {
  return error instanceof DuplicateKeyError || error instanceof UnsupportedError || error instanceof DamagedRecordError;
}

/** lmdb-js hides why a commit failed in a promise of its own, which nobody else would catch. */
async function reasonOf(error: unknown): Promise<string> {
  if (error instanceof Error && "commitError" in error) {
    try {
      await error.commitError;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }
  return error instanceof Error ? error.message : String(error);
}

function withResolvers<R>(): { promise: Promise<R>; resolve: (value: R) => void; reject: (error: unknown) => void } {
  let resolve: (value: R) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<R>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
