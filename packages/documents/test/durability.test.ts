import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openEmbedded } from "../src/embedded.js";
import { builtProgram, startProgram } from "./child.js";
import { temporaryFolders } from "./temporary.js";

const temporaryFolder = temporaryFolders();
const ALONE = 5;
const TOGETHER = 200;
/** Syncing takes this long, so that whoever does not wait for it is seen to be too early. */
const SYNC_DELAY_US = 20_000;

interface Call {
  readonly thread: string;
  readonly name: string;
  readonly text: string;
}

/** @returns the system calls in the order in which they ended. */
function callsOf(trace: string): Call[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((line) => {
    const [, thread = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(thread, rest);
      return [];
    }
    const text = rest.startsWith("<...") ? `${begun.get(thread) ?? ""}${rest}` : rest;
    return [{ thread, name: /^\w+/.exec(text)?.[0] ?? "", text }];
  });
}

/** @returns the descriptors that the trace shows being opened on the data file, of those the ones that write through. */
function descriptorsOf(calls: readonly Call[]): { data: Set<string>; through: Set<string> } {
  const opened = calls.filter(({ name, text }) => name === "openat" && text.includes('documents.mdb"'));
  const descriptor = ({ text }: Call) => /= (\d+)$/.exec(text)?.[1] ?? "none";
  return {
    data: new Set(opened.map(descriptor)),
    through: new Set(opened.filter(({ text }) => text.includes("O_DSYNC")).map(descriptor)),
  };
}

const traced = spawnSync("strace", ["-V"]).status === 0;

/** Runs where strace is; without it fails in CI, and elsewhere is skipped. */
function tracedTest(title: string, run: () => Promise<void>): void {
  if (traced || process.env.CI === "true") test(title, run);
  else test.skip(`${title} (skipped: strace is not installed)`, run);
}

tracedTest("a write is acknowledged when its data, then the page that makes it count, are on disk", async () => {
  const folder = await temporaryFolder();
  const trace = join(await temporaryFolder(), "trace");
  const program = builtProgram("trace-program", await temporaryFolder());
  const tracer = [
    "strace",
    "-f",
    "-s",
    "1000000",
    "-o",
    trace,
    "-e",
    "trace=openat,pwrite64,pwritev,writev,fdatasync,fsync,msync,write",
    "-e",
    `inject=fdatasync,fsync,msync:delay_enter=${SYNC_DELAY_US}`,
  ];
  await startProgram(program, [folder, String(ALONE), String(TOGETHER)], tracer).exited;
  const calls = callsOf(await readFile(trace, "latin1"));
  const { data, through } = descriptorsOf(calls);
  const writes = (call: Call, descriptors: Set<string>) =>
    /^p?write/.test(call.name) && descriptors.has(/\((\d+)/.exec(call.text)?.[1] ?? "");
  const isSync = ({ name, text }: Call) =>
    name === "fdatasync" && data.has(/\((\d+)/.exec(text)?.[1] ?? "") && / = 0( \(DELAYED\))?$/.test(text);

  const ids = calls.flatMap(({ text }) => /^write\(1, "acknowledged ([\w-]+)/.exec(text)?.[1] ?? []);
  expect(ids).toHaveLength(ALONE + TOGETHER);
  for (const id of ids) {
    const acknowledged = calls.findIndex(({ name, text }) => name === "write" && text.includes(`"acknowledged ${id}`));
    const before = calls.slice(0, acknowledged);
    const written = before.findIndex((call) => writes(call, data) && call.text.includes(id));
    expect(written).toBeGreaterThanOrEqual(0);
    const { thread } = before[written] ?? { thread: "" };
    const then = before.slice(written + 1).filter((call) => call.thread === thread);
    const synced = then.findIndex(isSync);
    expect(synced).toBeGreaterThanOrEqual(0);
    expect(then.slice(synced + 1).some((call) => writes(call, through))).toBe(true);
  }

  const together = calls.findIndex(({ text }) => text.startsWith('write(1, "together'));
  const done = calls.findIndex(({ text }) => text.startsWith('write(1, "done'));
  expect(calls.slice(together, done).filter(isSync).length).toBeLessThan(10);
});

tracedTest("a full disk refuses writes, loses nothing acknowledged, and does not end the process", async () => {
  const folder = await temporaryFolder();
  const program = builtProgram("full-program", await temporaryFolder());
  // Each of the threads that write is refused from its twentieth call on.
  const full = ["-e", "trace=pwrite64,pwritev", "-e", "inject=pwrite64,pwritev:error=ENOSPC:when=20+"];
  const tracer = ["strace", "-f", "-o", join(folder, "trace"), ...full];
  const child = startProgram(program, [folder, "60"], tracer);
  const said: string[] = [];
  child.lines.on("line", (line) => said.push(line));
  await child.exited;
  expect(said.at(-1)).toBe("closed");
  const acknowledged = said.flatMap((line) => /^acknowledged (.+)/.exec(line)?.[1] ?? []);
  const refused = said.filter((line) => line === "refused StoreUnavailableError");
  expect(refused.length).toBeGreaterThan(0);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.length + refused.length).toBe(180);

  const documents = await openEmbedded(folder);
  const things = await documents.collection("things", { indexes: [{ keys: { group: 1 } }] });
  const kept = (await things.find({}, { limit: 1000 })).map(({ _id }) => _id);
  expect(kept).toEqual(expect.arrayContaining(acknowledged));
  await things.insertOne({ _id: "after" });
  await documents.close();
});
