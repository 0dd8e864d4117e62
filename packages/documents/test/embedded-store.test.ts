import { mkdtemp, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Filter, IndexDefinition } from "../src/collection.js";
import { openEmbedded } from "../src/embedded.js";
import type { EmbeddedCollection } from "../src/embedded-collection.js";
import { DamagedRecordError, FolderInUseError, StoreUnavailableError, UnsupportedError } from "../src/errors.js";
import { builtProgram, startProgram } from "./child.js";
import { temporaryFolders } from "./temporary.js";

const temporaryFolder = temporaryFolders();

interface Video {
  readonly _id: string;
  readonly owner?: string;
  readonly createTime?: number;
  readonly tags?: string[];
  readonly title?: string;
}

const INDEXES: readonly IndexDefinition[] = [
  { keys: { owner: 1, createTime: -1, _id: -1 } },
  { keys: { tags: 1, createTime: -1 } },
];

describe("how a query is answered", () => {
  const OWNERS = 10;
  const EACH = 100;

  async function filled(): Promise<EmbeddedCollection<Video>> {
    const documents = await openEmbedded(await temporaryFolder());
    const videos = await documents.collection<Video>("videos", { indexes: INDEXES });
    const inserts = Array.from({ length: OWNERS * EACH }, (_, at) => ({
      insertOne: {
        document: {
          _id: `v${String(at).padStart(4, "0")}`,
          owner: `owner${at % OWNERS}`,
          createTime: at,
          tags: [`tag${at % 4}`, `tag${at % 5}`],
          title: `title ${at % 7}`,
        },
      },
    }));
    await videos.bulkWrite(inserts);
    return videos;
  }

  test("a declared index is followed to what is asked for, and no further", async () => {
    const videos = await filled();
    const newest = { createTime: -1, _id: -1 } as const;
    const cases: [Filter<Video>, { sort?: Record<string, 1 | -1>; limit: number }, number][] = [
      [{ _id: "v0500" }, { limit: 10 }, 1],
      [{ _id: { $in: ["v0500", "v0001", "none"] } }, { limit: 10 }, 2],
      [{ _id: { $gte: "v0990" } }, { sort: { _id: 1 }, limit: 100 }, 10],
      [{ owner: "owner3" }, { sort: newest, limit: 5 }, 5],
      [{ owner: "owner3" }, { sort: { createTime: 1, _id: 1 }, limit: 5 }, 5],
      [{ owner: "owner3", createTime: { $lt: 103 } }, { sort: newest, limit: 100 }, 10],
      [{ owner: "owner3", createTime: { $gte: 103, $lt: 203 } }, { limit: 100 }, 10],
      // A merge holds one entry ahead of each range.
      [{ owner: { $in: ["owner1", "owner2", "owner3"] } }, { sort: newest, limit: 5 }, 5 + 3],
      [{ tags: "tag4" }, { sort: { createTime: -1 }, limit: 5 }, 5],
      [
        { owner: "owner3", $or: [{ createTime: { $lt: 503 } }, { createTime: 503, _id: { $lt: "v0503" } }] },
        { sort: newest, limit: 5 },
        5 + 2,
      ],
      [
        { $or: [{ _id: "v0001" }, { owner: "owner1", createTime: 1 }, { owner: "owner2", createTime: 2 }] },
        { limit: 9 },
        3,
      ],
      [{ owner: null }, { limit: 10 }, 0],
      [{ owner: { $exists: false } }, { limit: 10 }, 0],
      [{ owner: { $in: [] } }, { limit: 10 }, 0],
    ];
    for (const [filter, options, most] of cases) {
      const { unbounded, examined } = await videos.explain(filter, options);
      expect({ filter, unbounded }).toEqual({ filter, unbounded: false });
      expect({ filter, examined: Math.max(examined.entries, most) }).toEqual({ filter, examined: most });
    }
  });

  test("the plan names its index, and says how it uses it", async () => {
    const videos = await filled();
    const { scans } = await videos.explain(
      { owner: { $in: ["owner1", "owner2"] }, createTime: { $gt: 5 } },
      { sort: { createTime: 1, _id: 1 }, limit: 1 },
    );
    const index = "owner_1_createTime_-1__id_-1";
    expect(scans).toEqual([{ index, equal: 1, ranged: true, ranges: 2, reverse: true }]);
  });

  test("what no index serves is looked for in all records, and says so", async () => {
    const videos = await filled();
    const { unbounded, examined, returned } = await videos.explain({ title: "title 3" }, { limit: 10_000 });
    expect(unbounded).toBe(true);
    expect(examined.entries).toBe(OWNERS * EACH);
    expect(returned).toBe(143);
  });

  test("a branch that no index serves is not looked up apart", async () => {
    const videos = await filled();
    const filter = { owner: "owner1", $or: [{ title: "title 1" }, { title: "title 2" }] };
    const { scans, unbounded, examined } = await videos.explain(filter, { limit: 10_000 });
    expect(scans).toHaveLength(1);
    expect(unbounded).toBe(false);
    expect(examined.entries).toBe(EACH);
  });
});

describe("indexes", () => {
  test("are built over what is there, dropped when undeclared, and built again", async () => {
    const folder = await temporaryFolder();
    for (const indexes of [[], INDEXES, [], [...INDEXES].reverse()]) {
      const documents = await openEmbedded(folder);
      const videos = await documents.collection<Video>("videos", { indexes });
      const turn = await videos.countDocuments({});
      const more = Array.from({ length: 700 }, (_, at) => ({
        _id: `${turn + at}`,
        owner: "ann",
        tags: ["a", `${at}`],
      }));
      await videos.bulkWrite(more.map((document) => ({ insertOne: { document } })));
      expect(await videos.countDocuments({ owner: "ann" })).toBe(turn + 700);
      expect(await videos.countDocuments({ tags: { $in: ["a", "1"] } })).toBe(turn + 700);
      const { unbounded } = await videos.explain({ tags: "1" }, { limit: 10 });
      expect(unbounded).toBe(indexes.length === 0);
      await documents.close();
    }
  });

  test("a collection is opened with one set of indexes", async () => {
    const documents = await openEmbedded(await temporaryFolder());
    await documents.collection<Video>("videos", { indexes: INDEXES });
    await documents.collection<Video>("videos", { indexes: [...INDEXES].reverse() });
    await expect(documents.collection<Video>("videos")).rejects.toMatchObject({
      name: "UnsupportedError",
      operator: "index",
    });
    await documents.close();
  });

  test("two paths that hold arrays are refused, and nothing is written", async () => {
    const documents = await openEmbedded(await temporaryFolder());
    const pairs = await documents.collection<{ _id: string; a: number[]; b: number[] }>("pairs", {
      indexes: [{ keys: { a: 1, b: 1 } }],
    });
    await expect(pairs.insertOne({ _id: "x", a: [1], b: [2] })).rejects.toBeInstanceOf(UnsupportedError);
    expect(await pairs.countDocuments({})).toBe(0);
    await documents.close();
  });
});

describe("the folder", () => {
  test("is refused to a second opening, and free after the first is closed", async () => {
    const folder = await temporaryFolder();
    const documents = await openEmbedded(folder);
    await expect(openEmbedded(folder)).rejects.toBeInstanceOf(FolderInUseError);
    await documents.close();
    await (await openEmbedded(folder)).close();
  });

  test("is refused to a second process, and free when its holder is killed", async () => {
    const folder = await temporaryFolder();
    const program = builtProgram("hold-program", await temporaryFolder());
    const holder = startProgram(program, [folder]);
    const held = await new Promise((resolve) => holder.lines.once("line", resolve));
    expect(held).toBe("holding");
    const second = startProgram(program, [folder]);
    const answer = await new Promise((resolve) => second.lines.once("line", resolve));
    const pid = String(holder.process.pid);
    expect(answer).toBe(
      `FolderInUseError: The folder ${folder} is in use by process ${pid}. Stop that process first, or choose another folder.`,
    );
    await second.exited;
    await expect(openEmbedded(folder)).rejects.toBeInstanceOf(FolderInUseError);
    holder.process.kill("SIGKILL");
    await holder.exited;
    await (await openEmbedded(folder)).close();
  });

  test("that is gone is unavailable", async () => {
    const folder = await temporaryFolder();
    const documents = await openEmbedded(folder);
    await rename(join(folder, "documents.mdb"), join(folder, "elsewhere"));
    await expect(documents.ping()).rejects.toBeInstanceOf(StoreUnavailableError);
    await rename(join(folder, "elsewhere"), join(folder, "documents.mdb"));
    await expect(documents.ping()).resolves.toBeUndefined();
    await documents.close();
  });

  test("that cannot be opened is unavailable, with the reason", async () => {
    const folder = await temporaryFolder();
    const data = await open(join(folder, "documents.mdb"), "w");
    await data.write("not a database ".repeat(1000));
    await data.close();
    await expect(openEmbedded(folder)).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test("close waits for the writes under way", async () => {
    const folder = await mkdtemp(join(await temporaryFolder(), "inner-"));
    const documents = await openEmbedded(folder);
    const videos = await documents.collection<Video>("videos");
    const writes = Promise.all(Array.from({ length: 600 }, (_, at) => videos.insertOne({ _id: `${at}` })));
    await documents.close();
    await writes;
    const again = await openEmbedded(folder);
    expect(await (await again.collection<Video>("videos")).countDocuments({})).toBe(600);
    await again.close();
  });
});

describe("damage", () => {
  test("of a record is an error that names it and says what to do; the others can be read", async () => {
    const folder = await temporaryFolder();
    const first = await openEmbedded(folder);
    await (
      await first.collection<Video>("videos", { indexes: INDEXES })
    ).bulkWrite(
      ["whole", "broken", "sound"].map((title) => ({
        insertOne: { document: { _id: title, owner: "ann", title: `the ${title} one` } },
      })),
    );
    await first.close();
    const path = join(folder, "documents.mdb");
    const bytes = await readFile(path);
    const data = await open(path, "r+");
    for (let at = bytes.indexOf("the broken one"); at >= 0; at = bytes.indexOf("the broken one", at + 1))
      await data.write(Buffer.from("tha"), 0, 3, at);
    await data.close();

    const documents = await openEmbedded(folder);
    const videos = await documents.collection<Video>("videos", { indexes: INDEXES });
    const damaged = { name: "DamagedRecordError", collection: "videos", id: "broken", folder };
    const read = videos.findOne({ _id: "broken" });
    await expect(read).rejects.toBeInstanceOf(DamagedRecordError);
    await expect(read).rejects.toMatchObject(damaged);
    await expect(read).rejects.toThrow(
      /Record "broken" of "videos" .* does not match its checksum.* restore the folder from a backup/,
    );
    await expect(videos.find({ owner: "ann" }, { limit: 10 })).rejects.toMatchObject(damaged);
    await expect(videos.findOneAndUpdate({ _id: "broken" }, { $set: { title: "x" } })).rejects.toMatchObject(damaged);
    expect(await videos.findOne({ _id: "whole" })).toEqual({ _id: "whole", owner: "ann", title: "the whole one" });
    await videos.insertOne({ _id: "later" });
    await documents.close();
  });
});
