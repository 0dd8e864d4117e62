/** How calls went lately: the last five to ten seconds. */
export interface OutcomeWindow {
  record(well: boolean, nowMs: number): void;
  calls(nowMs: number): number;
  failed(nowMs: number): number;
  clear(): void;
}

const HALF_MS = 5_000;

/** Counts in two halves, of which the older is dropped when the newer is full. */
export function createOutcomeWindow(): OutcomeWindow {
  let half = -1;
  let older = { calls: 0, failed: 0 };
  let newer = { calls: 0, failed: 0 };
  const turn = (nowMs: number) => {
    const now = Math.floor(nowMs / HALF_MS);
    if (now <= half) return;
    older = now === half + 1 ? newer : { calls: 0, failed: 0 };
    newer = { calls: 0, failed: 0 };
    half = now;
  };
  return {
    record(well, nowMs) {
      turn(nowMs);
      newer.calls += 1;
      if (!well) newer.failed += 1;
    },
    calls(nowMs) {
      turn(nowMs);
      return older.calls + newer.calls;
    },
    failed(nowMs) {
      turn(nowMs);
      return older.failed + newer.failed;
    },
    clear() {
      older = { calls: 0, failed: 0 };
      newer = { calls: 0, failed: 0 };
    },
  };
}
