import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isObjectName, type ObjectName } from "../names.js";
import { failedWith } from "./failure.js";
import { segmentOf } from "./layout.js";

/**
 * The names of all object folders under a prefix, committed or not, in the order of the names' bytes.
 *
 * @param prefix empty, or ends in `/`.
 * @param after only names that come after this one.
 */
export async function* walkObjects(root: string, prefix: string, after = ""): AsyncGenerator<ObjectName> {
  for (const { name, isObject } of await readFolder(root, prefix)) {
    if (!isObject) {
      const inside = `${name}/`;
      if (inside > after || after.startsWith(inside)) yield* walkObjects(root, inside, after);
    } else if (name > after && isObjectName(name)) yield name;
  }
}

/** What a folder holds, ordered so that a walk through it meets names in the order of their bytes. */
async function readFolder(root: string, prefix: string): Promise<readonly { name: string; isObject: boolean }[]> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true }).catch((error: unknown) => {
    if (failedWith(error, "ENOENT")) return [];
    throw error;
  });
  const found = entries.flatMap((entry) => {
    const known = entry.isDirectory() ? segmentOf(entry.name) : undefined;
    if (!known) return [];
    const name = `${prefix}${known.segment}`;
    return [{ name, isObject: known.isObject, order: known.isObject ? name : `${name}/` }];
  });
  // Names are ASCII, whose code units order as their bytes do.
  return found.sort((a, b) => (a.order < b.order ? -1 : 1));
}
