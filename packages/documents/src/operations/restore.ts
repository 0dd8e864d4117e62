import { setTimeout as pause } from "node:timers/promises";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { invalidField } from "@reelmesh/mesh/fields.js";
import type { StoredDocument } from "../collection.js";
import type { KeptCollection, KeptData } from "../data.js";
import { DuplicateKeyError, UnsupportedError } from "../errors.js";
import { fromExtendedJson } from "../extended-json.js";
import { leavesAt, parsePath } from "../path.js";
import { GATE_MS, type RestoreMark } from "../restore-gate.js";
import { asStored } from "../typed.js";
import type { Fields } from "../value.js";

/** A collection of a backup, and the least schema that its documents need. */
export interface Coming {
  readonly collection: KeptCollection;
  readonly minSchema: number;
}

/**
 * Closes the data to everybody, in all processes that have the store open, until the restore has ended. Repeated, it
 * goes on with a restore that was cut short.
 *
 * @param options.validateOnly only finds out whether it could begin.
 * @returns whether this very restore has ended already.
 * @throws DomainError WRONG_STATE unless nothing is kept yet; NEWER_DATA.
 */
export async function beginRestore(
  data: KeptData,
  backupId: string,
  coming: readonly Coming[],
  { validateOnly } = { validateOnly: false },
): Promise<boolean> {
  for (const { collection, minSchema } of coming) assertHonours(collection, minSchema);
  const mark = await data.gate.mark();
  if (mark?.backupId === backupId) return mark.state === "DONE";
  if (mark?.state === "RUNNING") throw wrongState(`the backup ${mark.backupId} is being restored`);
  await assertEmpty(data);
  if (validateOnly) return false;
  await putMark(data, { backupId, state: "RUNNING" });
  // By then no process lets anybody in any longer, and what it let in before shows.
  await pause(2 * GATE_MS);
  try {
    await assertEmpty(data);
  } catch (error) {
    await data.marks.deleteOne({ _id: "restore", backupId });
    throw error;
  }
  return false;
}

/** Keeps documents of the backup, each in place of one of its id. @throws DomainError WRONG_STATE, INVALID_FIELD */
export async function importDocuments(
  data: KeptData,
  backupId: string,
  { stored }: KeptCollection,
  lines: readonly Uint8Array[],
): Promise<void> {
  await assertRunning(data, backupId);
  const documents = lines.map(parse);
  try {
    await stored.bulkWrite(
      documents.flatMap((document) => [
        { deleteOne: { filter: { _id: document._id } } },
        { insertOne: { document: asStored(document) } },
      ]),
    );
  } catch (error) {
    if (!(error instanceof DuplicateKeyError)) throw error;
    for (const document of documents) await keep({ stored }, document);
  }
}

/** Opens the data again. @throws DomainError WRONG_STATE */
export async function endRestore(data: KeptData, backupId: string): Promise<void> {
  const mark = await data.gate.mark();
  if (mark?.backupId === backupId && mark.state === "DONE") return;
  await assertRunning(data, backupId);
  await putMark(data, { backupId, state: "DONE" });
}

/**
 * Two documents that a unique index does not allow together were not there together: the first was gone when the second
 * came, between the two being read. So the second, which is imported later, is the one that was there at the end.
 */
async function keep({ stored }: Pick<KeptCollection, "stored">, document: Fields): Promise<void> {
  await stored.deleteOne({ _id: asStored(document._id) });
  try {
    await stored.insertOne(asStored(document));
  } catch (error) {
    if (!(error instanceof DuplicateKeyError) || error.keys.length === 0) throw error;
    const same = error.keys.map((path) => [path, leavesAt(document, parsePath(path)).values[0] ?? null]);
    await stored.deleteMany(asStored(Object.fromEntries(same)));
    await stored.insertOne(asStored(document));
  }
}

function parse(line: Uint8Array): StoredDocument & Fields {
  try {
    return asStored(fromExtendedJson(Buffer.from(line).toString()));
  } catch (error) {
    if (error instanceof UnsupportedError) throw invalidField("json", error.message);
    throw error;
  }
}

function assertHonours({ name, schema }: KeptCollection, minSchema: number): void {
  if (minSchema <= schema.version) return;
  const resource = `the backup's ${name}`;
  throw new DomainError("NEWER_DATA", { resource, schema: String(minSchema), known: String(schema.version) });
}

async function assertEmpty({ kept }: KeptData): Promise<void> {
  for (const { name, stored } of kept.values()) {
    if (await stored.findOne({})) throw wrongState(`there are ${name} already: restore into an empty system`);
  }
}

async function assertRunning({ gate }: KeptData, backupId: string): Promise<void> {
  const mark = await gate.mark();
  if (mark?.backupId !== backupId || mark.state !== "RUNNING") throw wrongState("this backup is not being restored");
}

async function putMark({ marks }: KeptData, { backupId, state }: Pick<RestoreMark, "backupId" | "state">) {
  const change = { schema: 1, backupId, state, ...(state === "RUNNING" ? { beginTime: new Date() } : {}) } as const;
  await marks.findOneAndUpdate({ _id: "restore" }, { $set: change }, { upsert: true });
}

function wrongState(problem: string): DomainError {
  return new DomainError("WRONG_STATE", { resource: "The store", state: "not ready to be restored into", problem });
}
