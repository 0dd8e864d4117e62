/** How calls went lately: the last 40, of the last ten seconds. That many went well before does not excuse what fails now. */
export interface OutcomeWindow {
  record(well: boolean, nowMs: number): void;
  calls(nowMs: number): number;
  failed(nowMs: number): number;
  clear(): void;
}

const MOST_CALLS = 40;
const LONGEST_MS = 10_000;

export function createOutcomeWindow(): OutcomeWindow {
  // The oldest first.
  let outcomes: { readonly well: boolean; readonly atMs: number }[] = [];
  let failed = 0;
  const dropOldest = () => {
    if (outcomes.shift()?.well === false) failed -= 1;
  };
  const forget = (nowMs: number) => {
    for (let [oldest] = outcomes; oldest && nowMs - oldest.atMs > LONGEST_MS; [oldest] = outcomes) dropOldest();
  };
  return {
    record(well, nowMs) {
      outcomes.push({ well, atMs: nowMs });
      if (!well) failed += 1;
      if (outcomes.length > MOST_CALLS) dropOldest();
    },
    calls(nowMs) {
      forget(nowMs);
      return outcomes.length;
    },
    failed(nowMs) {
      forget(nowMs);
      return failed;
    },
    clear() {
      outcomes = [];
      failed = 0;
    },
  };
}
