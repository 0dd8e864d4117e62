// `npm run dev`: builds, starts, and does both again whenever a source changes.
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import { buildAll } from "./build.mjs";

const root = join(import.meta.dirname, "..");
const watched = ["packages", "services", "gateway"];
let child;
let timer;

const stop = () =>
  new Promise((resolve) => {
    if (!child || child.exitCode !== null) resolve();
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
  child = spawn(process.execPath, ["--enable-source-maps", "services/dist/all.js"], { cwd: root, stdio: "inherit" });
}

for (const folder of watched) {
  watch(join(root, folder), { recursive: true }, (_event, file) => {
    if (!file || /(^|\/)(node_modules|dist|test|data)\//.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(restart, 100);
  });
}
process.once("SIGINT", () => stop().then(() => process.exit(0)));
await restart();
