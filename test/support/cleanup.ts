import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is to be undone when a test or a suite has ended, the last first. */
export interface Cleanup {
  add(undo: () => Promise<unknown>): void;
  /** A new folder, removed at the end. */
  folder(): Promise<string>;
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const undos: (() => Promise<unknown>)[] = [];
  return {
    add: (undo) => void undos.push(undo),
    async folder() {
      const folder = await mkdtemp(join(tmpdir(), "reelmesh-"));
      undos.push(() => rm(folder, { recursive: true, force: true }));
      return folder;
    },
    async run() {
      for (const undo of undos.splice(0).reverse()) await undo();
    },
  };
}
