import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Collection } from "./collection.js";

/** That a backup is being restored into a store, or was. */
export interface RestoreMark {
  readonly _id: "restore";
  readonly schema: 1;
  readonly backupId: string;
  readonly state: "RUNNING" | "DONE";
  readonly beginTime: Date;
}

/** How old an answer may be by which documents are given out. */
export const GATE_MS = 1_000;

/** Keeps a store closed while a backup is restored into it, for every process that has it open. */
export interface RestoreGate {
  /** @throws DomainError RESTORING */
  pass(): Promise<void>;
  /** Asks anew, whatever was answered before. */
  mark(): Promise<RestoreMark | undefined>;
}

export function createRestoreGate(marks: Collection<RestoreMark>): RestoreGate {
  let known: { readonly running: Promise<boolean>; readonly sinceMs: number } | undefined;
  const mark = () => marks.findOne({ _id: "restore" });
  const isRunning = async () => (await mark())?.state === "RUNNING";
  return {
    mark,
    async pass() {
      if (!known || performance.now() - known.sinceMs >= GATE_MS) {
        // Counted from before it is asked: an answer is never older than it seems.
        const asked = { running: isRunning(), sinceMs: performance.now() };
        known = asked;
        asked.running.catch(() => {
          if (known === asked) known = undefined;
        });
      }
      if (await known.running) throw new DomainError("RESTORING");
    },
  };
}
