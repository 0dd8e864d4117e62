import { writeSync } from "node:fs";
import { openEmbedded } from "../src/embedded.js";
import { NOTE_INDEXES, type Note } from "./program-store.js";

/** Writes until it is killed, once a line on stdin says so, and says on stdout what was acknowledged. */
async function main(folder: string, round: string): Promise<void> {
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once("data", resolve));
  const documents = await openEmbedded(folder);
  const notes = await documents.collection<Note>("notes", { indexes: NOTE_INDEXES });
  const writer = async (name: string): Promise<void> => {
    for (let at = 0; ; at++) {
      const _id = `${round}-${name}-${at}`;
      const tags = Array.from({ length: at % 4 }, (_, tag) => `tag${(at + tag) % 5}`);
      await notes.insertOne({ _id, group: at % 3, tags, text: _id.repeat(1 + (at % 40)), count: 0 });
      writeSync(1, `inserted ${_id}\n`);
      await notes.findOneAndUpdate({ _id }, { $inc: { count: 1 }, $push: { tags: "changed" } });
      writeSync(1, `changed ${_id}\n`);
      if (at % 3 !== 2) continue;
      writeSync(1, `deleting ${round}-${name}-${at - 1}\n`);
      await notes.deleteOne({ _id: `${round}-${name}-${at - 1}` });
      writeSync(1, `deleted ${round}-${name}-${at - 1}\n`);
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(writer));
}

void main(process.argv[2] ?? "", process.argv[3] ?? "");
