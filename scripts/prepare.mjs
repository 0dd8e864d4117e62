// Run by npm after an install: makes what git does not keep. An install without development tools has nothing to
// make it with, and gets it from a build made elsewhere.
import { existsSync } from "node:fs";
import { join } from "node:path";

if (existsSync(join(import.meta.dirname, "../node_modules/.bin/buf"))) {
  await import("./generate.mjs");
  const { buildAll } = await import("./build.mjs");
  await buildAll();
}
