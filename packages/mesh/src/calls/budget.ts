/** How many attempts a channel may make beyond one a call. */
export interface BudgetOptions {
  /** What a call adds, in attempts. Default 0.2. */
  readonly ratio?: number;
  /** What there is at first, so that a channel with little traffic can retry too. Default 100. */
  readonly reserve?: number;
  /** The most that is saved up. Default 500. */
  readonly limit?: number;
}

/** A token bucket that calls fill and further attempts empty. */
export interface Budget {
  /** A call is made. */
  deposit(): void;
  /** Takes a further attempt for a call that failed; false when there is none left. */
  withdraw(): boolean;
  /** Takes one for a call that is still under way, which never touches the reserve. */
  withdrawSpare(): boolean;
  readonly balance: number;
}

/**
 * A budget: over any time, attempts <= calls x (1 + ratio) + reserve, whatever the services do. The ratio and the
 * reserve are those of Finagle's RetryBudget (20%, and 10 a second for 10 seconds).
 */
export function createBudget({ ratio = 0.2, reserve = 100, limit = 500 }: BudgetOptions = {}): Budget {
  let balance = reserve;
  const take = (floor: number) => {
    // Tenths do not add up exactly: what lacks a millionth of an attempt is one.
    if (balance < floor + 1 - 1e-6) return false;
    balance -= 1;
    return true;
  };
  return {
    deposit() {
      balance = Math.min(balance + ratio, Math.max(limit, reserve));
    },
    withdraw: () => take(0),
    withdrawSpare: () => take(reserve),
    get balance() {
      return balance;
    },
  };
}
