// `npm run bench`, or `npm run bench -- bytes`: builds, then runs each benchmark, which prints its own table.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildAll } from "./build.mjs";

const ALL = ["start", "bytes", "mesh", "mesh-balancing", "mesh-failures", "mesh-overload"];
/** What needs a cluster and Skaffold runs only when it is named. */
const NAMED = ["skaffold-edit"];
const named = process.argv.slice(2);
const unknown = named.filter((name) => ![...ALL, ...NAMED].includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(", ")}: there are ${[...ALL, ...NAMED].join(", ")}.`);
  process.exit(2);
}
await buildAll();
for (const name of named.length > 0 ? named : ALL) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `../bench/dist/${name}.js`)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
