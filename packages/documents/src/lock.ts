import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";
import { FolderInUseError } from "./errors.js";

/**
 * Holds `folder` (made where missing) for this opening alone. The kernel keeps the lock with the open file, so that it
 * ends with the process however that dies; what the file says is only for the error's sentence.
 *
 * @returns what lets the folder go.
 * @throws FolderInUseError
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "holder");
  const file = openSync(path, "a+");
  if (!tryLock(file)) {
    closeSync(file);
    throw new FolderInUseError(folder, `process ${readFileSync(path, "utf8").trim() || "unknown"}`);
  }
  ftruncateSync(file);
  writeSync(file, `${process.pid}\n`);
  return () => {
    closeSync(file);
  };
}
