import { writeSync } from "node:fs";
import { openEmbedded } from "../src/embedded.js";

/** Holds a folder until it is killed, or says why it cannot. */
async function main(folder: string): Promise<void> {
  try {
    await openEmbedded(folder);
    writeSync(1, "holding\n");
    process.stdin.resume();
  } catch (error) {
    writeSync(1, `${String(error)}\n`);
  }
}

void main(process.argv[2] ?? "");
