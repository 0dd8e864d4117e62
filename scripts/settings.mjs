// Writes the tables of settings in docs/ from what the code reads. With --check, only tells whether they are what the
// code that was built reads.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { buildServices } from "./build.mjs";
import { MEANINGS, OF_A_SERVICE } from "./settings-meanings.mjs";

const root = join(import.meta.dirname, "..");
const MARKS = /(<!-- settings -->\n)[^]*?(\n<!-- end of settings -->)/;
const EVERY = "every process";

const check = process.argv.includes("--check");
if (!check) await buildServices();
const { Environment } = await import("@reelmesh/mesh/environment.js");
const { readLogLevel } = await import("@reelmesh/mesh/log.js");
const { readOpsListen } = await import("@reelmesh/mesh/plan.js");
const { readSecrets } = await import("@reelmesh/mesh/secret.js");
const { readMeshSettings } = await import("@reelmesh/mesh/settings.js");
const { modules } = await import("../services/dist/modules.js");

/** Remembers which variables are asked for, with what the asking tells. */
class Recorder extends Environment {
  asked = new Map();

  note(variable, told = {}) {
    this.asked.set(variable, { ...this.asked.get(variable), ...told });
  }
  optional(variable) {
    this.note(variable);
    return super.optional(variable);
  }
  integer(variable, options) {
    this.note(variable, { default: String(options.default), allowed: `${options.min} to ${options.max}` });
    return super.integer(variable, options);
  }
  oneOf(variable, options) {
    this.note(variable, { allowed: options.values.map((value) => `\`${value}\``).join(", ") });
    return super.oneOf(variable, options);
  }
  listen(variable, options) {
    this.note(variable, { default: `${options.default.host}:${options.default.port}`, allowed: "host:port" });
    return super.listen(variable, options);
  }
}

/** @returns what `read` asks an environment for, in which what others depend on is set. */
function askedBy(read) {
  const folder = mkdtempSync(join(tmpdir(), "reelmesh-settings-"));
  try {
    const set = { REELMESH_DATA: folder, OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
    const recorder = new Recorder(set, { alone: false });
    read(recorder);
    if (recorder.faults.length > 0) throw new Error(JSON.stringify(recorder.faults));
    return recorder.asked;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ofTheMesh = askedBy((environment) => {
  for (const read of [readLogLevel, readOpsListen, readMeshSettings, readSecrets]) read(environment);
});
const readers = new Map([...ofTheMesh.keys()].map((variable) => [variable, new Set([EVERY])]));
const told = new Map(ofTheMesh);
const meanings = { ...MEANINGS };
const add = (variable, reader, asked) => {
  readers.set(variable, (readers.get(variable) ?? new Set()).add(reader));
  told.set(variable, { ...told.get(variable), ...asked });
};

for (const { name, port, clients, prepare } of modules) {
  for (const [variable, asked] of askedBy(prepare)) add(variable, name, asked);
  const service = (of) => `${of.toUpperCase().replaceAll("-", "_")}`;
  if (port !== undefined) {
    const variable = `${service(name)}_LISTEN`;
    add(variable, name, { default: `127.0.0.1:${port}`, allowed: "host:port" });
    meanings[variable] = OF_A_SERVICE.LISTEN(name);
  }
  for (const client of clients) {
    const variable = `${service(client)}_ADDRESS`;
    add(variable, name, {});
    meanings[variable] = OF_A_SERVICE.ADDRESS(client);
  }
}

const undescribed = [...told.keys()].filter((variable) => !(variable in meanings));
const unread = Object.keys(meanings).filter((variable) => !told.has(variable));
if (undescribed.length + unread.length > 0) {
  throw new Error(`settings-meanings.mjs lacks [${undescribed}], and nothing reads [${unread}]`);
}

function row(variable, withReaders) {
  const { meaning, ...described } = meanings[variable];
  const { default: preset = "none", allowed } = { ...told.get(variable), ...described };
  if (allowed === undefined) throw new Error(`settings-meanings.mjs does not say what ${variable} may be`);
  const by = readers.get(variable);
  const who = withReaders ? [by.has(EVERY) ? EVERY : [...by].sort().join(", ")] : [];
  return `| ${[`\`${variable}\``, ...who, preset, allowed, meaning].join(" | ")} |`;
}

function table(variables, withReaders) {
  const heads = ["variable", ...(withReaders ? ["read by"] : []), "default", "allowed", "what"];
  const rows = [...variables].sort().map((variable) => row(variable, withReaders));
  return [`| ${heads.join(" | ")} |`, `| ${heads.map(() => "---").join(" | ")} |`, ...rows].join("\n");
}

const stale = [];
for (const [name, text] of [
  ["docs/mesh.md", table(ofTheMesh.keys(), false)],
  ["docs/operations.md", table(told.keys(), true)],
]) {
  const file = join(root, name);
  const before = readFileSync(file, "utf8");
  if (!MARKS.test(before)) throw new Error(`${name} has no place for the settings`);
  const filled = before.replace(MARKS, (_, begin, end) => `${begin}\n${text}\n${end}`);
  const after = await format(filled, { ...(await resolveConfig(file)), filepath: file });
  if (after === before) continue;
  stale.push(name);
  if (!check) writeFileSync(file, after);
}
if (check && stale.length > 0) {
  console.error(`${stale.join(" and ")}: run \`npm run settings\``);
  process.exitCode = 1;
}
