import { writeSync } from "node:fs";
import { openEmbedded } from "../src/embedded.js";

/** Inserts one after another, then all at once; says on stdout when each was acknowledged. */
async function main(folder: string, alone: number, together: number): Promise<void> {
  const documents = await openEmbedded(folder);
  const things = await documents.collection("things", { indexes: [{ keys: { group: 1 } }] });
  const insert = async (_id: string): Promise<void> => {
    await things.insertOne({ _id });
    writeSync(1, `acknowledged ${_id}\n`);
  };
  for (let at = 0; at < alone; at++) await insert(`alone-${at}-`);
  writeSync(1, "together\n");
  await Promise.all(Array.from({ length: together }, (_, at) => insert(`together-${at}-`)));
  writeSync(1, "done\n");
  await documents.close();
}

void main(process.argv[2] ?? "", Number(process.argv[3]), Number(process.argv[4]));
