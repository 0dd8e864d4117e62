// `npm run dev`: builds, starts, and does both again whenever a source changes, until SIGINT, SIGTERM or SIGHUP.
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import { buildAll } from "./build.mjs";

const root = join(import.meta.dirname, "..");
const watched = ["packages", "services", "gateway"];
let child;
let timer;
/** One build and start after another. */
let turn = Promise.resolve();

const stop = () =>
  new Promise((resolve) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", resolve).kill("SIGTERM");
  });

async function restart() {
  try {
    await buildAll();
  } catch {
    // The bundler has said what is wrong; what runs goes on running.
    return;
  }
  await stop();
  // Of a group of its own: Ctrl+C, which reaches the whole group, is for this process to pass on, once.
  child = spawn(process.execPath, ["--enable-source-maps", "services/dist/all.js"], {
    cwd: root,
    stdio: "inherit",
    detached: true,
  });
}

for (const folder of watched) {
  watch(join(root, folder), { recursive: true }, (_event, file) => {
    if (!file || /(^|\/)(node_modules|dist|test|data)\//.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => (turn = turn.then(restart)), 100);
  });
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    clearTimeout(timer);
    void turn.then(stop).then(() => process.exit(0));
  });
}
turn = restart();
