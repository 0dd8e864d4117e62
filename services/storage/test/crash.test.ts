import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import { build, type BuildOptions } from "esbuild";
import { STAGED_LIFE_MS } from "../src/block.js";
import { openDiskStore, type DiskStore } from "../src/disk/store.js";
import { blocksOf } from "./crash-content.js";
import { objectName, readAll, swept, temporaryFolder } from "./support.js";

const KILLS = 12;

/** What the writer said of an object. */
interface Told {
  readonly event: string;
  readonly name: string;
  /** The version that it is about to have, or has. 0: none. */
  readonly version: number;
}

/** Starts the writer, kills it after `lines` lines of what it tells, and returns all that it told. */
async function writeAndKill(script: string, folder: string, run: number, lines: number): Promise<readonly Told[]> {
  const child = spawn(process.execPath, [script, folder, String(run)], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const told: Told[] = [];
  for await (const line of createInterface(child.stdout)) {
    const [event = "", name = "", version] = line.split(" ");
    told.push({ event, name, version: Number(version) });
    if (told.length === lines) child.kill("SIGKILL");
  }
  await exit;
  return told;
}

/** The version that an object is, of which every byte is there; 0 where there is no object. */
async function versionAt(store: DiskStore, name: string): Promise<number> {
  try {
    const bytes = await readAll(store, objectName(name));
    const version = bytes.readUInt32BE(0);
    expect(bytes.equals(Buffer.concat(blocksOf(version)))).toBe(true);
    return version;
  } catch (error) {
    if (isDomainError(error, "RESOURCE_NOT_FOUND")) return 0;
    throw error;
  }
}

test("a writer killed at any moment leaves every object as it was before or as it is after", async () => {
  const folder = await temporaryFolder();
  const script = join(folder.path, "writer.cjs");
  const objects = join(folder.path, "objects");
  const entry = join(__dirname, "crash-writer.ts");
  const options: BuildOptions = {
    bundle: true,
    platform: "node",
    conditions: ["reelmesh-source"],
    logLevel: "warning",
  };
  await build({ ...options, entryPoints: [entry], outfile: script });

  const known = new Map<string, number>();
  let versions = 0;
  for (let run = 1; run <= KILLS; run++) {
    const possible = new Map<string, readonly number[]>();
    for (const { event, name, version } of await writeAndKill(script, objects, run, 5 + run * 7)) {
      const before = possible.get(name) ?? [known.get(name) ?? 0];
      possible.set(name, event === "done" ? [version] : [...before, version]);
      versions++;
    }
    const store = await openDiskStore(objects);
    for (const [name, candidates] of possible) {
      const version = await versionAt(store, name);
      expect(candidates).toContain(version);
      known.set(name, version);
    }
    await store.close();
  }
  expect(known.size).toBe(3);
  expect(versions).toBeGreaterThan(500);

  // What the crashes left over is removed in time, and nothing else is.
  const store = await openDiskStore(objects);
  await swept(store.sweep(new Date(Date.now() + STAGED_LIFE_MS + 60_000), new AbortController().signal));
  await store.close();
  const versionsLeft = [...known.values()].filter((version) => version > 0);
  const entries = await readdir(objects, { recursive: true, withFileTypes: true });
  const files = entries.filter((file) => file.isFile()).length;
  expect(files).toBe(versionsLeft.reduce((sum, version) => sum + 1 + blocksOf(version).length, 0));
  await folder.remove();
});
