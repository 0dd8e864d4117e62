import { writeSync } from "node:fs";
import { openEmbedded } from "../src/embedded.js";

/** Inserts, three at a time, and says on stdout what was acknowledged and how the rest was refused. */
async function main(folder: string, rounds: number): Promise<void> {
  const documents = await openEmbedded(folder);
  const things = await documents.collection("things", { indexes: [{ keys: { group: 1 } }] });
  const insert = async (_id: string): Promise<void> => {
    try {
      await things.insertOne({ _id });
      writeSync(1, `acknowledged ${_id}\n`);
    } catch (error) {
      writeSync(1, `refused ${error instanceof Error ? error.name : String(error)}\n`);
    }
  };
  for (let round = 0; round < rounds; round++) await Promise.all([0, 1, 2].map((at) => insert(`${round}-${at}`)));
  await documents.close();
  writeSync(1, "closed\n");
}

void main(process.argv[2] ?? "", Number(process.argv[3]));
