import { afterAll, afterEach, beforeAll } from "@jest/globals";
import { build } from "esbuild";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import {
  startCallers,
  startReplica,
  type Caller,
  type CallerName,
  type CallerOptions,
  type Place,
  type Replica,
  type Tallies,
  type Tally,
} from "../../../bench/failures.js";
import { createCleanup, type Cleanup } from "../../support/cleanup.js";
import { until } from "../../support/until.js";

const ROOT = join(__dirname, "../../..");
const PROGRAMS = ["failing-replica", "counting-caller", "name-server", "slow-line"];

/** Processes that fail, and those that call them. All of a test's end with it. */
export interface Matrix {
  place(): Place;
  readonly cleanup: Cleanup;
  /** Starts a replica for each name. */
  replicas(names: readonly string[], place?: Partial<Place>): Promise<Replica[]>;
  callers(
    names: readonly CallerName[],
    replicas: readonly Pick<Replica, "mesh" | "bare">[],
    options?: Partial<CallerOptions>,
    place?: Partial<Place>,
  ): Promise<Caller>;
}

/** Little enough that a busy machine keeps up, and what fails does so for another reason. */
const DEFAULTS = { callsPerSecond: 30, deadlineMs: 10_000 };

/** Builds the programs of the failure matrix for the tests of a file. */
export function useMatrix(): Matrix {
  const built = createCleanup();
  const cleanup = createCleanup();
  let folder = "";
  beforeAll(async () => {
    folder = await built.folder();
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await build({
      entryPoints: PROGRAMS.map((program) => join(ROOT, "bench", `${program}.ts`)),
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      conditions: ["reelmesh-source"],
      external: ["@grpc/*", "@bufbuild/*", "@opentelemetry/*", "grpc-health-check", "jose", "pino", "prom-client"],
      logLevel: "warning",
    });
  });
  afterEach(() => cleanup.run());
  afterAll(() => built.run());
  const place = (): Place => ({ folder, extension: "mjs" });
  return {
    place,
    cleanup,
    replicas: (names, where) =>
      Promise.all(
        names.map(async (name) => {
          const replica = await startReplica({ ...place(), ...where }, name);
          cleanup.add(() => replica.kill());
          return replica;
        }),
      ),
    async callers(names, replicas, options, where) {
      const caller = await startCallers({ ...place(), ...where }, names, replicas, { ...DEFAULTS, ...options });
      cleanup.add(() => caller.kill());
      return caller;
    },
  };
}

/** Waits until the callers' counts are as wanted. */
export async function counted(caller: Caller, holds: (tallies: Tallies) => boolean): Promise<void> {
  await until(async () => holds(await caller.ask("tell")));
}

/** Waits until each caller has had so many calls answered, or seen them fail, since it began to count. */
export async function calls(caller: Caller, count: number): Promise<void> {
  await counted(caller, (tallies) => Object.values(tallies).every((tally) => tally.calls >= count));
}

/** Waits until every caller has reached every replica, and those of the mesh know how long calls take; then counts anew. */
export async function settled(caller: Caller, replicas: readonly Replica[]): Promise<void> {
  await counted(caller, (tallies) =>
    Object.entries(tallies).every(
      ([name, { calls, answers }]) =>
        calls >= 120 && (name === "pick_first" || replicas.every((replica) => answers[replica.name] !== undefined)),
    ),
  );
  await caller.ask("count");
}

export function tallyOf(tallies: Tallies, caller: CallerName): Tally {
  const tally = tallies[caller];
  if (!tally) throw new Error(`${caller} does not call`);
  return tally;
}

/** Ends the calls and writes how they went, for whoever compares. */
export async function finish(caller: Caller, what: string): Promise<(name: CallerName) => Tally> {
  const tallies = await caller.ask("stop");
  const words = Object.entries(tallies).map(([name, { calls, failed }]) => `${name} ${failed} of ${calls}`);
  process.stdout.write(`${what}, failed calls: ${words.join(", ")}\n`);
  return (name) => tallyOf(tallies, name);
}
