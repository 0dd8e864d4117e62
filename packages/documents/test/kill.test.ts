import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { open } from "lmdb";
import { openEmbedded } from "../src/embedded.js";
import { documentKeys } from "../src/key.js";
import { parseIndexes, PRIMARY } from "../src/planner.js";
import { decodeRecord } from "../src/record.js";
import { builtProgram, startProgram, type Child } from "./child.js";
import { NOTE_INDEXES, type Note } from "./program-store.js";
import { temporaryFolders } from "./temporary.js";

const temporaryFolder = temporaryFolders();
const KILLS = 50;

interface Acknowledged {
  readonly inserted: Set<string>;
  readonly changed: Set<string>;
  readonly deleting: Set<string>;
  readonly deleted: Set<string>;
}

/** Lets the child write, kills it after so many acknowledgements, and notes all that it got to say. */
async function killAfter(child: Child, acknowledgements: number, into: Acknowledged): Promise<void> {
  let left = acknowledgements;
  child.lines.on("line", (line) => {
    const [kind, id = ""] = line.split(" ");
    if (kind === "inserted" || kind === "changed" || kind === "deleting" || kind === "deleted") into[kind].add(id);
    if (--left === 0) child.process.kill("SIGKILL");
  });
  child.process.stdin.write("go\n");
  await child.exited;
}

/** Reads what lmdb holds past our own code: every index has exactly the entries that the records call for. */
async function assertIndexesAgree(folder: string): Promise<number> {
  const binary = { encoding: "binary", keyEncoding: "binary" } as const;
  const root = open<Buffer, Buffer>({
    ...binary,
    path: join(folder, "documents.mdb"),
    maxDbs: 512,
    overlappingSync: false,
  });
  const records = root.openDB<Buffer, Buffer>(`notes/${PRIMARY}`, binary);
  let count = 0;
  for (const index of parseIndexes(NOTE_INDEXES)) {
    if (index.name === PRIMARY) continue;
    const expected: string[] = [];
    for (const { key, value } of records.getRange({})) {
      const document = decodeRecord(key, value);
      if (typeof document === "string") throw new Error(document);
      const { keys } = documentKeys(document, index.parts);
      expected.push(...keys.map((entry) => `${Buffer.concat([entry, key]).toString("hex")} ${key.toString("hex")}`));
    }
    const entries = root.openDB<Buffer, Buffer>(`notes/${index.name}`, binary);
    const found = Array.from(
      entries.getRange({}),
      ({ key, value }) => `${key.toString("hex")} ${value.toString("hex")}`,
    );
    expect(found).toEqual(expected.sort());
    count += found.length;
  }
  await root.close();
  return count;
}

test(`a writer killed ${KILLS} times loses nothing that was acknowledged, and its indexes agree`, async () => {
  const folder = await temporaryFolder();
  const program = builtProgram("write-program", await temporaryFolder());
  const start = (round: number) => startProgram(program, [folder, String(round)]);
  const acknowledged: Acknowledged = {
    inserted: new Set(),
    changed: new Set(),
    deleting: new Set(),
    deleted: new Set(),
  };
  let next = start(0);
  for (let round = 0; round < KILLS; round++) {
    const child = next;
    if (round + 1 < KILLS) next = start(round + 1);
    await killAfter(child, 1 + ((round * 37) % 61), acknowledged);
  }

  const documents = await openEmbedded(folder);
  const notes = await documents.collection<Note>("notes", { indexes: NOTE_INDEXES });
  for (const id of acknowledged.inserted) {
    const note = await notes.findOne({ _id: id });
    if (note === undefined) expect(acknowledged.deleting).toContain(id);
    else {
      expect(acknowledged.deleted).not.toContain(id);
      if (acknowledged.changed.has(id)) expect(note).toMatchObject({ count: 1 });
    }
  }
  expect(acknowledged.inserted.size).toBeGreaterThan(KILLS);
  await documents.close();
  expect(await assertIndexesAgree(folder)).toBeGreaterThan(KILLS);
});
