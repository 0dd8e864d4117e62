import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Environment } from "../../src/environment.js";
import { readLogLevel } from "../../src/log.js";
import { readOpsListen } from "../../src/plan.js";
import { readSecrets } from "../../src/secret.js";
import { readMeshSettings } from "../../src/settings.js";

const DOCUMENT = join(__dirname, "../../../../docs/mesh.md");

interface Asked {
  default?: string;
  allowed?: string;
}

/** Remembers which variables are asked for, and what would be allowed. */
class Recorder extends Environment {
  readonly asked = new Map<string, Asked>();

  #note(variable: string, asked: Asked = {}): void {
    this.asked.set(variable, { ...this.asked.get(variable), ...asked });
  }

  override optional(variable: string): string | undefined {
    this.#note(variable);
    return super.optional(variable);
  }

  override integer(variable: string, options: { default: number; min: number; max: number }): number {
    const known = variable === "OPS_PORT" ? {} : { default: String(options.default) };
    this.#note(variable, { ...known, allowed: `${options.min} to ${options.max}` });
    return super.integer(variable, options);
  }

  override oneOf<T extends string>(variable: string, options: { values: readonly T[]; default: T }): T {
    this.#note(variable, { allowed: options.values.map((value) => `\`${value}\``).join(", ") });
    return super.oneOf(variable, options);
  }
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelmesh-settings-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the table of settings is what the code reads, in order, with its defaults and bounds", async () => {
  const variables = { REELMESH_DATA: folder, OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
  const environment = new Recorder(variables, { alone: false });
  readLogLevel(environment);
  readOpsListen(environment);
  readMeshSettings(environment);
  readSecrets(environment);
  environment.optional("OPS_LISTEN");
  expect(environment.faults).toEqual([]);

  const text = await readFile(DOCUMENT, "utf8");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` +\| ([^|]+?) +\| ([^|]+?) +\| [^|]+ \|$/gm)];
  expect(rows.map(([, name]) => name)).toEqual([...environment.asked.keys()].sort());
  for (const [, name = "", preset, allowed] of rows) {
    expect({ name, default: preset, allowed, ...environment.asked.get(name) }).toEqual({
      name,
      default: preset,
      allowed,
    });
  }
});
