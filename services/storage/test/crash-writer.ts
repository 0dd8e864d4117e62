import { writeSync } from "node:fs";
import { openDiskStore } from "../src/disk/store.js";
import { blocksOf } from "./crash-content.js";
import { blockOf, objectName } from "./support.js";

/*
 * Run by a test in a process of its own, to be killed: makes and deletes objects for ever and tells of every change
 * when it begins and when it is done.
 */

const [folder = "", run = "0"] = process.argv.slice(2);

function tell(event: "begin" | "done", name: string, version: number): void {
  writeSync(1, `${event} ${name} ${version}\n`);
}

async function writeForEver(writer: number): Promise<never> {
  const store = await opened;
  const name = objectName(`crash/${writer}`);
  for (let count = 1; ; count++) {
    const version = count % 5 === 0 ? 0 : Number(run) * 1_000_000 + count;
    tell("begin", name, version);
    if (version === 0) await store.delete(name);
    else {
      const blocks = blocksOf(version).map((data, index) => blockOf(index, data, version));
      for (const { block, data } of blocks) await store.stage(name, block, data);
      await store.commit(name, { blocks: blocks.map(({ block }) => block), contentType: "video/mp4" });
    }
    tell("done", name, version);
  }
}

const opened = openDiskStore(folder);
for (const writer of [1, 2, 3]) void writeForEver(writer);
