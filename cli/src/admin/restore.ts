import type { Command } from "../command.js";
import { atOnce } from "./at-once.js";
import { withConnection, type Connection, type Owner } from "./connection.js";
import { linesOf, isKeptObject, readManifest, verifyLines, type KeptObject, type Manifest } from "./format.js";
import { hasObject, putObject, verifyObject } from "./objects.js";
import { ADDRESSES_USAGE, readOptions, required } from "./options.js";
import { createProgress, type Progress } from "./progress.js";

const OBJECTS_AT_ONCE = 4;
const BATCH_BYTES = 2 ** 20;

/** Fills an empty system from a backup. */
export const restore: Command = {
  name: "admin restore",
  usage: `admin restore --from DIR [--json]
      Fill an empty system from a backup, on whichever stores, after every digest in it was checked. Until it has ended
      the system answers nothing. Cut short, it is repeated: it goes on where it was.
      ${ADDRESSES_USAGE}.`,
  async run(invocation) {
    const options = readOptions(invocation, { from: { type: "string" }, json: { type: "boolean" } });
    const folder = required(options.text("from"), "--from DIR");
    const json = options.has("json");
    const progress = createProgress(invocation, !json);
    const manifest = await readManifest(folder);
    await verify(folder, manifest, progress);
    await withConnection(invocation.environment, (connection) => restoreAll(connection, folder, manifest, progress));
    progress.clear();
    const { id, collections, objects } = manifest;
    const documents = collections.reduce((sum, { lines }) => sum + lines, 0);
    const told = { id, documents, objects: objects.lines, bytes: objects.bytes };
    invocation.out(
      json ? JSON.stringify(told) : `Restored ${documents} documents and ${objects.lines} objects of backup ${id}`,
    );
  },
};

async function verify(folder: string, { collections, objects }: Manifest, progress: Progress): Promise<void> {
  for (const file of [...collections, objects]) await verifyLines(folder, file);
  if (!objects.included) return;
  let checked = 0;
  for await (const object of objectsOf(folder, objects.file)) {
    await verifyObject(folder, object);
    progress.show(`checked ${++checked} of ${objects.lines} objects`);
  }
}

async function restoreAll(
  connection: Connection,
  folder: string,
  manifest: Manifest,
  progress: Progress,
): Promise<void> {
  const { included, file } = manifest.objects;
  if (!included) await assertThere(connection, objectsOf(folder, file));
  const open = await begin(connection, manifest);
  if (open.length === 0) throw new Error(`The backup ${manifest.id} was restored here already`);

  let put = 0;
  await atOnce(included ? objectsOf(folder, file) : [], OBJECTS_AT_ONCE, async (object) => {
    await putObject(connection, folder, object);
    progress.show(`restored ${++put} of ${manifest.objects.lines} objects`);
  });

  for (const owner of open) await importAll(connection, folder, { owner, manifest, progress });
  // Whoever is called is open before those that call it.
  for (const { documents } of [...open].reverse())
    await documents.endRestore({ backupId: manifest.id }, await connection.scope());
}

/** @throws Error unless storage has every object. */
async function assertThere(connection: Connection, objects: AsyncIterable<KeptObject>): Promise<void> {
  await atOnce(objects, OBJECTS_AT_ONCE, async (object) => {
    if (!(await hasObject(connection, object))) throw new Error(`Storage lacks ${object.name}: bring it back first`);
  });
}

/** Closes every service that keeps documents, or none. @returns those that are still to be filled. */
async function begin({ owners, scope }: Connection, { id, collections }: Manifest): Promise<readonly Owner[]> {
  const unknown = collections.find(({ service }) => !owners.some(({ name }) => name === service));
  if (unknown) throw new Error(`There is no service ${unknown.service} here, which the backup has documents of`);
  const ask = async ({ name, documents }: Owner, validateOnly: boolean) => {
    const own = collections.filter(({ service }) => service === name);
    const coming = own.map(({ collection, minSchema }) => ({ name: collection, schema: minSchema }));
    return documents.beginRestore({ backupId: id, collections: coming, validateOnly }, await scope());
  };
  for (const owner of owners) await ask(owner, true);
  const open: Owner[] = [];
  for (const owner of owners) if (!(await ask(owner, false)).done) open.push(owner);
  return open;
}

async function importAll(
  { scope }: Connection,
  folder: string,
  { owner, manifest, progress }: { readonly owner: Owner; readonly manifest: Manifest; readonly progress: Progress },
): Promise<void> {
  for (const { service, collection, file, lines } of manifest.collections) {
    if (service !== owner.name) continue;
    let imported = 0;
    for await (const batch of batchesOf(linesOf(folder, file))) {
      await owner.documents.importDocuments({ backupId: manifest.id, collection, json: batch }, await scope());
      imported += batch.length;
      progress.show(`${service} ${collection}: ${imported} of ${lines} documents`);
    }
  }
}

async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<Buffer[]> {
  let [batch, bytes]: [Buffer[], number] = [[], 0];
  for await (const line of lines) {
    const document = Buffer.from(line);
    if (batch.length > 0 && bytes + document.length > BATCH_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(document);
    bytes += document.length;
  }
  if (batch.length > 0) yield batch;
}

async function* objectsOf(folder: string, file: string): AsyncGenerator<KeptObject> {
  for await (const line of linesOf(folder, file)) {
    const object: unknown = JSON.parse(line);
    if (!isKeptObject(object)) throw new Error(`${file} is damaged`);
    yield object;
  }
}
