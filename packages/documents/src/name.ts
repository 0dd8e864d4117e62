import { UnsupportedError } from "./errors.js";

/** @throws UnsupportedError */
export function assertCollectionName(name: string): void {
  if (!/^[\w-]{1,64}$/.test(name))
    throw new UnsupportedError("collection", `${JSON.stringify(name)} is not 1 to 64 letters, digits, "_" and "-".`);
}
