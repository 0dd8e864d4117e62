import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VERSION } from "@reelmesh/mesh/version.js";
import type { Document } from "@reelmesh/proto/reelmesh/documents/v1/documents_service.js";
import type { Command } from "../command.js";
import { atOnce } from "./at-once.js";
import { withConnection, type Connection, type Owner } from "./connection.js";
import * as format from "./format.js";
import { fetchObject, isPassing } from "./objects.js";
import { ADDRESSES_USAGE, readOptions, required } from "./options.js";
import { createProgress, type Progress } from "./progress.js";

const OBJECTS_AT_ONCE = 4;
const RESUMPTIONS = 5;

/** Where a document that needs an object is from. */
interface Origin {
  readonly owner: Owner;
  readonly collection: string;
  readonly id: string;
}

/** An object that documents need. */
interface Needed {
  readonly name: string;
  readonly etag: string;
  readonly by: Origin[];
}

/** Copies all that is kept, while it is used. */
export const backup: Command = {
  name: "admin backup",
  usage: `admin backup --out DIR [--documents-only] [--json]
      Copy every document, then every object that one of them needs, into the new folder DIR, while everything runs.
      No secret is in it: keep MESH_SECRET elsewhere. With --documents-only, the objects are kept by other means.
      ${ADDRESSES_USAGE}.`,
  async run(invocation) {
    const options = readOptions(invocation, {
      out: { type: "string" },
      "documents-only": { type: "boolean" },
      json: { type: "boolean" },
    });
    const folder = required(options.text("out"), "--out DIR");
    const json = options.has("json");
    await makeFolder(folder);
    const progress = createProgress(invocation, !json);
    const manifest = await withConnection(invocation.environment, (connection) =>
      makeBackup(connection, folder, { objects: !options.has("documents-only"), progress }),
    );
    progress.clear();
    const { id, collections, objects, lost } = manifest;
    const documents = collections.reduce((sum, { lines }) => sum + lines, 0);
    const size = objects.included ? `, ${objects.lines} objects of ${objects.bytes} bytes` : ", no objects";
    const told = { id, folder, documents, objects: objects.lines, bytes: objects.bytes, lost };
    invocation.out(json ? JSON.stringify(told) : `${folder}: ${documents} documents${size}, backup ${id}`);
    if (lost.length > 0) throw new Error(`The backup is whole, but the store itself has lost ${lost.join(", ")}`);
  },
};

async function makeBackup(
  connection: Connection,
  folder: string,
  { objects, progress }: { readonly objects: boolean; readonly progress: Progress },
): Promise<format.Manifest> {
  const beginTime = new Date().toISOString();
  const needed = new Map<string, Needed>();
  const collections: format.KeptCollection[] = [];
  for (const owner of connection.owners) {
    const listed = await owner.documents.listCollections({}, await connection.scope());
    for (const { name, schema } of listed.collections) {
      collections.push(await exportCollection(connection, folder, { owner, name, schema, needed, progress }));
    }
  }

  const file = await format.LinesWriter.create(folder, format.OBJECTS);
  const missing: Needed[] = [];
  let [copied, bytes] = [0, 0];
  await atOnce(needed.values(), OBJECTS_AT_ONCE, async (object) => {
    const kept = objects
      ? await fetchObject(connection, folder, object, (count) => {
          bytes += count;
          progress.show(`objects: ${copied} of ${needed.size}, ${bytes} bytes`);
        })
      : await describe(object);
    copied++;
    if (kept) await file.write([JSON.stringify(kept)]);
    else missing.push(object);
  });
  const objectLines = await file.end();

  const { lost, gone } = await sortOut(connection, missing);
  const lasting: format.KeptCollection[] = [];
  for (const collection of collections) lasting.push(await without(folder, collection, gone));
  const manifest: format.Manifest = {
    format: format.FORMAT,
    id: randomUUID(),
    version: VERSION,
    beginTime,
    endTime: new Date().toISOString(),
    collections: lasting,
    objects: { ...objectLines, bytes, included: objects },
    lost,
  };
  await format.writeManifest(folder, manifest);
  return manifest;
}

/** Writes a collection's documents, taken up again after the last one where it breaks off. */
async function exportCollection(
  { scope }: Connection,
  folder: string,
  {
    owner,
    name,
    schema,
    needed,
    progress,
  }: {
    readonly owner: Owner;
    readonly name: string;
    readonly schema: number;
    readonly needed: Map<string, Needed>;
    readonly progress: Progress;
  },
): Promise<format.KeptCollection> {
  const path = format.documentsFile(owner.name, name);
  await mkdir(dirname(join(folder, path)), { recursive: true });
  const file = await format.LinesWriter.create(folder, path);
  let [after, minSchema, count] = ["", 1, 0];
  for (let failures = 0, ended = false; !ended; failures++) {
    try {
      for await (const { documents } of owner.documents.exportDocuments({ collection: name, after }, await scope())) {
        await file.write(documents.map(({ json }) => json));
        for (const document of documents) {
          minSchema = Math.max(minSchema, document.minSchema);
          note(needed, { owner, collection: name, id: document.id }, document);
        }
        after = documents.at(-1)?.id ?? after;
        count += documents.length;
        failures = 0;
        progress.show(`${owner.name} ${name}: ${count} documents`);
      }
      ended = true;
    } catch (error) {
      if (failures >= RESUMPTIONS || !isPassing(error)) throw error;
    }
  }
  return { ...(await file.end()), service: owner.name, collection: name, schema, minSchema };
}

function note(needed: Map<string, Needed>, origin: Origin, { objects }: Document): void {
  for (const { name, etag } of objects) {
    const known = needed.get(name);
    if (known) known.by.push(origin);
    else needed.set(name, { name, etag, by: [origin] });
  }
}

/** An object that is kept by other means: its name and version alone. */
async function describe({ name, etag }: Needed): Promise<format.KeptObject> {
  return { name, etag, contentType: "", sizeBytes: 0, blocks: [] };
}

/**
 * Of an object that was gone when its turn came: were the documents that needed it removed meanwhile, as is the rule,
 * or has the store lost it?
 */
async function sortOut({ scope }: Connection, missing: readonly Needed[]) {
  const lost: string[] = [];
  const gone = new Map<string, Set<string>>();
  for (const { name, by } of missing) {
    for (const { owner, collection, id } of by) {
      const path = format.documentsFile(owner.name, collection);
      if (await isStillNeeded(name, { owner, collection, id })) lost.push(name);
      else gone.set(path, (gone.get(path) ?? new Set()).add(id));
    }
  }
  return { lost: [...new Set(lost)], gone };

  async function isStillNeeded(name: string, { owner, collection, id }: Origin): Promise<boolean> {
    for await (const { documents } of owner.documents.exportDocuments({ collection, ids: [id] }, await scope()))
      if (documents.some(({ objects }) => objects.some((object) => object.name === name))) return true;
    return false;
  }
}

/** A collection in the backup without these documents. */
async function without(
  folder: string,
  collection: format.KeptCollection,
  gone: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<format.KeptCollection> {
  const ids = gone.get(collection.file);
  if (!ids) return collection;
  const before = join(folder, `${collection.file}.before`);
  await rename(join(folder, collection.file), before);
  const file = await format.LinesWriter.create(folder, collection.file);
  for await (const line of format.linesOf(folder, `${collection.file}.before`))
    if (!ids.has(format.idOf(line))) await file.write([line]);
  await rm(before);
  return { ...collection, ...(await file.end()) };
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty: a backup takes a folder of its own`);
}
