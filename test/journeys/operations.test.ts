import { afterEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reelmesh, start } from "../../cli/test/run.js";
import { createApi, type Api } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startWholeMesh, type WholeMesh } from "../support/mesh.js";
import { embedded, servers, type Stores } from "../support/stores.js";
import { until } from "../support/until.js";

const OWNERS = ["catalog", "upload", "storage"];
const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Reelmesh over stores of its own, and its command line. */
interface System {
  readonly mesh: WholeMesh;
  readonly api: Api;
  readonly environment: Readonly<Record<string, string>>;
  admin(...words: string[]): Promise<Record<string, unknown>[]>;
}

async function startSystem(stores: Stores, given: Readonly<Record<string, string>> = {}): Promise<System> {
  const variables = { ...(await stores.variables(cleanup)), ...given };
  return startOn(variables);
}

async function startOn(variables: Readonly<Record<string, string>>): Promise<System> {
  const mesh = await startWholeMesh(variables);
  cleanup.add(() => mesh.stop());
  const environment = {
    REELMESH_DATA: variables.REELMESH_DATA ?? "",
    ...Object.fromEntries(OWNERS.map((name) => [`${name.toUpperCase()}_ADDRESS`, mesh.addressOf(name)])),
  };
  return {
    mesh,
    api: createApi(mesh.url),
    environment,
    async admin(...words) {
      const { code, stdout, stderr } = await reelmesh(["admin", ...words, "--json"], environment);
      if (code !== 0) throw new Error(stderr);
      return linesOf(stdout);
    },
  };
}

function linesOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const told: unknown = JSON.parse(line);
      if (typeof told !== "object" || told === null) throw new Error(`${line} is no object`);
      return Object.fromEntries(Object.entries(told));
    });
}

/** What a film was made of, by its video's name. */
type Films = ReadonlyMap<string, Buffer>;

async function uploadFilms({ api }: System, count: number): Promise<Films> {
  const films = new Map<string, Buffer>();
  for (let index = 0; index < count; index++) {
    const bytes = randomBytes(1000 + index * 1_500_000);
    const { video } = await api.upload(bytes, { filename: `film-${index}.mp4`, filetype: "video/mp4" });
    films.set(video, bytes);
  }
  return films;
}

async function expectPlaying({ api }: System, films: Films): Promise<void> {
  for (const [video, bytes] of films) {
    const played = await fetch(await api.mediaOf(video));
    expect(Buffer.from(await played.arrayBuffer()).equals(bytes)).toBe(true);
  }
}

async function facts({ api }: System): Promise<unknown[]> {
  return (await api.videos()).filter(({ state }) => state !== "UPLOADING");
}

async function backUp(system: System): Promise<string> {
  const folder = join(await cleanup.folder(), "backup");
  await system.admin("backup", "--out", folder);
  return folder;
}

const ways: readonly (readonly [Stores, Stores])[] = [
  [embedded, servers],
  [servers, embedded],
  [embedded, embedded],
];

describe("a backup", () => {
  for (const [from, to] of ways) {
    const missing = from.missing ?? to.missing;
    const title = `of ${from.name} under writes is a whole system on ${to.name}`;
    const where = missing === undefined ? test : test.skip;
    where(
      `${title}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
      async () => {
        const system = await startSystem(from);
        const films = await uploadFilms(system, 3);
        const half = await system.api.createUpload(100, { filename: "half.mp4", filetype: "video/mp4" });
        await system.api.patch(half.location, 0, Buffer.alloc(40));
        const before = await facts(system);

        const done = new AbortController();
        const writers = (async () => {
          for (let index = 0; !done.signal.aborted; index++) {
            const { video } = await system.api.upload(randomBytes(5000), {
              filename: `w${index}.mp4`,
              filetype: "video/mp4",
            });
            if (index % 2 === 0) await system.api.json("DELETE", `/api/v1/${video}`);
          }
        })();
        const backup = await backUp(system);
        done.abort();
        await writers;

        const other = await startSystem(to);
        await other.admin("restore", "--from", backup);
        const after = await facts(other);
        expect(after).toEqual(expect.arrayContaining(before));
        await expectPlaying(other, films);
        // Every video of the backup plays, also those that came while it was made; none is half there.
        for (const { name } of await other.api.videos()) {
          const { status } = await fetch(await other.api.mediaOf(name));
          expect(status).toBe(200);
        }
        expect((await other.api.videos()).map(({ name }) => name)).not.toContain(half.video);
        // And it goes on from there.
        await expectPlaying(other, await uploadFilms(other, 1));
        await expect(other.admin("restore", "--from", backup)).rejects.toThrow("was restored here already");
        await expect(system.admin("restore", "--from", backup)).rejects.toThrow("restore into an empty system");
      },
      240_000,
    );
  }

  test("holds no secret, and is a folder that says what it holds", async () => {
    const system = await startSystem(embedded);
    await uploadFilms(system, 1);
    const backup = await backUp(system);
    const secret = (await readFile(join(system.environment.REELMESH_DATA ?? "", "keys/mesh-secret"), "utf8")).trim();
    const files = await readdir(backup, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile()))
      expect(await readFile(join(file.parentPath, file.name), "latin1")).not.toContain(secret);
    expect(JSON.parse(await readFile(join(backup, "manifest.json"), "utf8"))).toMatchObject({
      format: 1,
      collections: [
        { service: "upload", collection: "pieces", lines: 0 },
        { service: "upload", collection: "uploads", lines: 1 },
        { service: "catalog", collection: "videos", lines: 1, schema: 1, minSchema: 1 },
      ],
      objects: { lines: 1, bytes: 1000, included: true },
      lost: [],
    });
    await expect(system.admin("backup", "--out", backup)).rejects.toThrow("is not empty");
  }, 60_000);

  test.each([
    ["a byte of an object", "objects/sources", "is damaged: its bytes are not what was committed"],
    ["a document", "documents/catalog", "is not what was written: the backup is damaged"],
    ["the manifest", "", "holds no whole backup"],
  ])(
    "of which %s was changed or lost is refused, and the system stays empty and open",
    async (_what, folder, sentence) => {
      const system = await startSystem(embedded);
      await uploadFilms(system, 1);
      const backup = await backUp(system);
      if (folder === "") await rm(join(backup, "manifest.json"));
      else {
        const [file = ""] = await readdir(join(backup, folder));
        const bytes = await readFile(join(backup, folder, file));
        bytes.writeUInt8((bytes.at(20) ?? 0) ^ 1, 20);
        await writeFile(join(backup, folder, file), bytes);
      }
      const other = await startSystem(embedded);
      await expect(other.admin("restore", "--from", backup)).rejects.toThrow(sentence);
      expect(await other.api.videos()).toEqual([]);
    },
    60_000,
  );
});

describe("a restore", () => {
  test("that is killed leaves nothing half served, and goes on where it was when it is repeated", async () => {
    const system = await startSystem(embedded);
    const films = await uploadFilms(system, 6);
    const backup = await backUp(system);
    const before = await facts(system);

    const other = await startSystem(embedded);
    const restoring = start(["admin", "restore", "--from", backup], other.environment);
    await until(async () => (await statusOf(other)) === 503);
    restoring.kill();
    await restoring.ended;
    expect(await statusOf(other)).toBe(503);
    // Once more, when bytes have come in.
    const later = start(["admin", "restore", "--from", backup], other.environment);
    const sources = join(other.environment.REELMESH_DATA ?? "", "objects/sources");
    await until(async () => (await readdir(sources).catch(() => [])).length > 0);
    later.kill();
    await later.ended;
    expect(await statusOf(other)).toBe(503);
    await expect(other.api.createUpload(5, { filename: "a.mp4", filetype: "video/mp4" })).rejects.toThrow("503");
    expect((await reelmesh(["admin", "backup", "--out", await cleanup.folder()], other.environment)).stderr).toContain(
      "A backup is being restored",
    );

    // Whoever starts anew is closed as well.
    await other.mesh.stop();
    const again = await startOn({ REELMESH_DATA: other.environment.REELMESH_DATA ?? "" });
    expect(await statusOf(again)).toBe(503);
    const another = await backUp(await smallSystem());
    await expect(again.admin("restore", "--from", another)).rejects.toThrow("is being restored");

    await again.admin("restore", "--from", backup);
    expect(await facts(again)).toEqual(before);
    await expectPlaying(again, films);
  }, 120_000);

  test("of documents alone wants their objects there first", async () => {
    const system = await startSystem(embedded);
    const films = await uploadFilms(system, 1);
    const backup = join(await cleanup.folder(), "backup");
    await system.admin("backup", "--out", backup, "--documents-only");
    const other = await startSystem(embedded);
    await expect(other.admin("restore", "--from", backup)).rejects.toThrow(/Storage lacks sources\//);
    expect(await other.api.videos()).toEqual([]);
    await cp(
      join(system.environment.REELMESH_DATA ?? "", "objects"),
      join(other.environment.REELMESH_DATA ?? "", "objects"),
      {
        recursive: true,
      },
    );
    await other.admin("restore", "--from", backup);
    await expectPlaying(other, films);
  }, 60_000);
});

async function smallSystem(): Promise<System> {
  const system = await startSystem(embedded);
  await uploadFilms(system, 1);
  return system;
}

async function statusOf({ mesh }: System): Promise<number> {
  return (await fetch(`${mesh.url}/api/v1/videos`)).status;
}

describe("the commands", () => {
  test("migrate and reindex tell of every collection, and find nothing to do in a new system", async () => {
    const system = await smallSystem();
    expect(await system.admin("migrate")).toEqual([
      { service: "upload", collection: "pieces", schema: 1, examined: 1, migrated: 0 },
      { service: "upload", collection: "uploads", schema: 1, examined: 1, migrated: 0 },
      { service: "catalog", collection: "videos", schema: 1, examined: 1, migrated: 0 },
    ]);
    const nothing = { repaired: 0, built: [], unused: [] };
    expect(await system.admin("reindex")).toMatchObject([nothing, nothing, nothing]);
  }, 60_000);

  test("sweep tells with --dry-run what it then removes", async () => {
    const system = await startSystem(embedded, {
      CATALOG_KEEP_DELETED_SECONDS: "0",
      CATALOG_PURGE_SECONDS: "86400",
      UPLOAD_SWEEP_SECONDS: "86400",
      UPLOAD_SWEEP_AGE_SECONDS: "0",
    });
    const films = await uploadFilms(system, 2);
    const [kept = "", gone = ""] = films.keys();
    await system.api.json("DELETE", `/api/v1/${gone}`);
    const purged = { service: "catalog", sweep: "deleted videos", resource: gone };
    expect(await system.admin("sweep", "--dry-run")).toEqual([{ ...purged, removed: false }]);
    expect(await system.admin("sweep")).toEqual([
      { ...purged, removed: true },
      {
        service: "upload",
        sweep: "sources without a video",
        resource: gone.replace("videos", "sources"),
        removed: true,
      },
    ]);
    expect(await system.admin("sweep")).toEqual([]);
    await expectPlaying(system, new Map([[kept, films.get(kept) ?? Buffer.alloc(0)]]));
  }, 60_000);

  test("are for whoever holds the secret alone", async () => {
    const system = await smallSystem();
    const stranger = { ...system.environment, MESH_SECRET: randomBytes(32).toString("base64") };
    const { code, stderr } = await reelmesh(["admin", "migrate"], stranger);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("The token is not valid") });
    expect((await reelmesh(["admin", "backup"], system.environment)).code).toBe(2);
  }, 60_000);
});
