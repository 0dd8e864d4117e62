// Every package's sources -> its dist/, file by file (types are `npm run check`'s business), and the web application.
import { existsSync, readdirSync, statSync } from "node:fs";
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

/** The newest change among a folder's files, in milliseconds; 0 where there are none. */
const newest = (folder) =>
  existsSync(folder)
    ? Math.max(0, ...readdirSync(folder, { recursive: true }).map((file) => statSync(join(folder, file)).mtimeMs))
    : 0;

/** Builds the web application, where there is one, unless it is newer than what it is built from. */
export async function buildWeb() {
  const web = join(root, "gateway/web");
  if (!existsSync(join(web, "src"))) return;
  const sources = Math.max(
    newest(join(web, "src")),
    ...["index.html", "vite.config.ts"].map((file) => statSync(join(web, file)).mtimeMs),
  );
  if (newest(join(web, "dist")) > sources) return;
  const vite = await import("vite");
  await vite.build({ root: web, logLevel: "warn" });
}

export async function buildAll() {
  await Promise.all([buildServices(), buildWeb()]);
}

if (process.argv[1] === import.meta.filename) await buildAll();
