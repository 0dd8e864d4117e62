// Every package's sources -> its dist/, file by file (types are `npm run check`'s business), and the web application.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const folders = (parent) =>
  readdirSync(join(root, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name));

/** @returns the TypeScript files under `folder`, or right in it. */
const sources = (folder, recursive = true) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => join(root, folder, file))
    : [];

const packages = [...folders("packages"), ...folders("services"), "gateway", "cli"]
  .filter((folder) => existsSync(join(root, folder, "src")))
  .map((folder) => ({ from: join(folder, "src"), to: join(folder, "dist"), files: sources(join(folder, "src")) }));

const units = [
  ...packages,
  { from: "proto/gen", to: "proto/dist", files: sources("proto/gen") },
  { from: "services", to: "services/dist", files: sources("services", false) },
  { from: "bench", to: "bench/dist", files: sources("bench", false) },
].filter((unit) => unit.files.length > 0);

export async function buildServices() {
  await Promise.all(
    units.map((unit) =>
      build({
        entryPoints: unit.files,
        outbase: join(root, unit.from),
        outdir: join(root, unit.to),
        format: "esm",
        platform: "node",
        target: "node20",
        sourcemap: "linked",
        sourcesContent: false,
        logLevel: "warning",
      }),
    ),
  );
}

export async function buildWeb() {
  if (!existsSync(join(root, "gateway/web/vite.config.ts"))) return;
  const vite = await import("vite");
  await vite.build({ root: join(root, "gateway/web"), logLevel: "warn" });
}

await buildServices();
await buildWeb();
