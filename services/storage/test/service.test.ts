import { createHash, randomBytes } from "node:crypto";
import { readdir, readlink, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { sign } from "@reelmesh/mesh/signed.js";
import {
  StorageServiceDefinition,
  type Block,
  type ReadObjectResponse,
} from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import fc from "fast-check";
import { scope, startStorage, until, type RunningStorage } from "./running.js";
import { reasonOf, temporaryFolder } from "./support.js";

let service: RunningStorage;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;
const fresh = () => `service/${count++}/object`;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startStorage({ REELMESH_DATA: join(folder.path, "data") });
});
afterAll(async () => {
  await service.stop();
  await folder.remove();
});

const every: readonly Verb[] = ["read", "write", "delete", "list"];
const allow = (object: string) => service.allow(object, every);

function stage(object: string, data: Buffer, blockId = "00000001-00000001", sha256 = Buffer.alloc(0)) {
  return service.client.stageBlock({ capability: allow(object), object, blockId, data, sha256 }, scope());
}

function commit(object: string, blocks: readonly Block[], contentType = "video/mp4") {
  return service.client.commitBlocks({ capability: allow(object), object, blocks, contentType }, scope());
}

async function store(object: string, data: Buffer) {
  const { block } = await stage(object, data);
  if (!block) throw new Error("no block in the answer");
  return { block, object: await commit(object, [block]) };
}

async function read(object: string, range: { offset?: bigint; length?: bigint; ifMatch?: string } = {}) {
  const messages: ReadObjectResponse[] = [];
  for await (const message of service.client.readObject({ capability: allow(object), object, ...range }, scope()))
    messages.push(message);
  return messages;
}

const bytesOf = (messages: readonly ReadObjectResponse[]) => Buffer.concat(messages.map(({ data }) => data));

describe("an object's life", () => {
  test("staged, committed, read, listed, deleted", async () => {
    const name = fresh();
    const data = randomBytes(4 * 1024 * 1024);
    const { block, object } = await store(name, data);
    const digest = createHash("sha256").update(data).digest();
    expect(block).toEqual({ id: "00000001-00000001", sha256: digest, sizeBytes: BigInt(data.length) });
    expect(object).toMatchObject({ name, sizeBytes: BigInt(data.length), contentType: "video/mp4" });
    expect(object.compositeSha256).toEqual(createHash("sha256").update(digest).digest());
    expect(await service.client.getObject({ capability: allow(name), object: name }, scope())).toEqual(object);

    const [first, ...rest] = await read(name);
    expect(first).toMatchObject({ object, data: Buffer.alloc(0) });
    expect(rest.every((message) => message.object === undefined && message.data.length <= 256 * 1024)).toBe(true);
    expect(bytesOf(rest).equals(data)).toBe(true);

    const prefix = `${dirname(name)}/`;
    const listed = await service.client.listObjects({ capability: allow(prefix), prefix }, scope());
    expect(listed).toEqual({ objects: [object], nextPageToken: "" });

    await service.client.deleteObject({ capability: allow(name), object: name }, scope());
    await service.client.deleteObject({ capability: allow(name), object: name }, scope());
    expect(await reasonOf(read(name))).toBe("RESOURCE_NOT_FOUND");
  });

  test("a range is read, of one version only where that is asked for", async () => {
    const name = fresh();
    const { object } = await store(name, Buffer.from("0123456789"));
    expect(bytesOf(await read(name, { offset: 3n, length: 4n, ifMatch: object.etag })).toString()).toBe("3456");
    expect(bytesOf(await read(name, { offset: 8n, length: 2n ** 62n })).toString()).toBe("89");
    expect(bytesOf(await read(name, { length: 0n })).toString()).toBe("");
    expect(await reasonOf(read(name, { ifMatch: "another" }))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(read(name, { offset: 10n }))).toBe("RANGE_NOT_SATISFIABLE");
    expect(await reasonOf(read(name, { offset: 2n ** 62n }))).toBe("RANGE_NOT_SATISFIABLE");
    expect(await reasonOf(read(name, { offset: -1n }))).toBe("INVALID_FIELD");
    expect(await reasonOf(read(name, { length: -1n }))).toBe("INVALID_FIELD");
  });

  test("preconditions hold", async () => {
    const name = fresh();
    const { object } = await store(name, Buffer.from("first"));
    const { block } = await stage(name, Buffer.from("second"), "00000002-00000001");
    const request = { capability: allow(name), object: name, blocks: block ? [block] : [] };
    const createOnly = { $case: "createOnly", value: true } as const;
    const ifMatch = (value: string) => ({ $case: "ifMatch", value }) as const;
    const outcome = (precondition: typeof createOnly | ReturnType<typeof ifMatch>) =>
      reasonOf(service.client.commitBlocks({ ...request, precondition }, scope()));
    expect(await outcome(createOnly)).toBe("OBJECT_EXISTS");
    expect(await outcome(ifMatch("another"))).toBe("ETAG_MISMATCH");
    expect(await outcome(ifMatch(""))).toBe("INVALID_FIELD");
    expect(await outcome(ifMatch(object.etag))).toBeUndefined();
    expect(await outcome(createOnly)).toBeUndefined();
    expect(bytesOf(await read(name)).toString()).toBe("second");
  });

  test("what is discarded cannot be committed", async () => {
    const name = fresh();
    const { block } = await stage(name, Buffer.from("data"));
    const capability = service.allow(name, ["write"]);
    await service.client.discardBlocks({ capability, object: name }, scope());
    expect(await reasonOf(commit(name, block ? [block] : []))).toBe("BLOCK_NOT_STAGED");
  });
});

describe("bad input", () => {
  test("blocks", async () => {
    const name = fresh();
    const data = Buffer.from("data");
    expect(await reasonOf(stage(name, Buffer.alloc(0)))).toBe("INVALID_FIELD");
    expect(await reasonOf(stage(name, Buffer.alloc(4 * 1024 * 1024 + 1)))).toBe("INVALID_FIELD");
    expect(await reasonOf(stage(name, data, undefined, Buffer.alloc(32)))).toBe("CHECKSUM_MISMATCH");
    expect(await reasonOf(stage(name, data, undefined, Buffer.alloc(31)))).toBe("INVALID_FIELD");
    for (const id of ["", "1-1", "0000000G-00000001", "00000001-00000001\n", "../../../../etc/x", "00000001\0-0000001"])
      expect(await reasonOf(stage(name, data, id))).toBe("INVALID_FIELD");
    expect(await reasonOf(service.client.getObject({ capability: allow(name), object: name }, scope()))).toBe(
      "RESOURCE_NOT_FOUND",
    );
  });

  test("commits", async () => {
    const name = fresh();
    const { block } = await stage(name, Buffer.from("data"));
    if (!block) throw new Error("no block in the answer");
    expect(await reasonOf(commit(name, [{ ...block, sha256: Buffer.alloc(0) }]))).toBe("INVALID_FIELD");
    expect(await reasonOf(commit(name, [{ ...block, sizeBytes: 0n }]))).toBe("INVALID_FIELD");
    expect(await reasonOf(commit(name, [{ ...block, sizeBytes: 5n }]))).toBe("BLOCK_NOT_STAGED");
    expect(await reasonOf(commit(name, [{ ...block, id: "1" }]))).toBe("INVALID_FIELD");
    expect(
      await reasonOf(
        commit(
          name,
          Array.from({ length: 50_001 }, () => block),
        ),
      ),
    ).toBe("INVALID_FIELD");
    for (const type of ["text", "text/html\r\nx: y", "a/b; c", `a/${"b".repeat(126)}`, "video/mp4\0"])
      expect(await reasonOf(commit(name, [block], type))).toBe("INVALID_FIELD");
    expect(await reasonOf(commit(name, [block], 'video/mp4; codecs="avc1.42E01E, mp4a.40.2"'))).toBeUndefined();
  });

  test("a commit of 50,000 blocks is taken", async () => {
    const name = fresh();
    const { block } = await stage(name, Buffer.from("data"));
    const object = await commit(name, block ? Array.from({ length: 50_000 }, () => block) : []);
    expect(object.sizeBytes).toBe(200_000n);
    expect(bytesOf(await read(name, { offset: 199_998n })).toString()).toBe("ta");
  });

  test("names that could lead elsewhere, wherever a name can stand", async () => {
    const { client } = service;
    const outside = "x".repeat(129);
    const names = ["", "..", "../x", "a/../b", "a/..", "/a", "a//b", "a/", "./a", ".a", "a/.b", "a.", "a\0", "a\0/b"];
    const more = [
      "a\\b",
      "..\\a",
      "a b",
      "ä",
      "a~",
      "%2e%2e/a",
      outside,
      `a/${outside}`,
      "a/".repeat(8) + "a",
      "\ud800",
    ];
    for (const object of [...names, ...more]) {
      const capability = service.allow(object, every);
      const asked = { capability, object };
      const data = Buffer.from("data");
      const calls = [
        client.stageBlock({ ...asked, blockId: "00000001-00000001", data }, scope()),
        client.commitBlocks(asked, scope()),
        client.discardBlocks(asked, scope()),
        client.readObject(asked, scope()).next(),
        client.getObject(asked, scope()),
        client.deleteObject(asked, scope()),
        client.listObjects({ capability: service.allow(`${object}/`, every), prefix: `${object}/` }, scope()),
      ];
      const reasons = await Promise.all(calls.map(reasonOf));
      expect([object, reasons]).toEqual([object, calls.map(() => "INVALID_FIELD")]);
    }
  });

  test("whatever a name is, nothing is written outside the store", async () => {
    const around = await readdir(folder.path);
    const part = fc.oneof(
      fc.constantFrom("..", ".", "", "\0", "\\", "a", "~", "manifest"),
      fc.string({ maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 9 }), async (parts) => {
        const object = parts.join("/");
        await reasonOf(stage(object, Buffer.from("data")));
        expect(await readdir(folder.path)).toEqual(around);
        expect(await readdir(join(folder.path, "data"))).toEqual(["objects"]);
      }),
      { numRuns: 100 },
    );
  });

  test("page sizes and page tokens", async () => {
    for (const path of ["a", "b", "c"]) await commit(`paged/here/${path}`, []);
    await commit("paged/there/a", []);
    const list = (prefix: string, page: { pageToken?: string; pageSize?: number }) =>
      service.client.listObjects({ capability: allow("paged/"), prefix, ...page }, scope());
    const { nextPageToken: pageToken } = await list("paged/here/", { pageSize: 2 });
    const { objects, nextPageToken: last } = await list("paged/here/", { pageToken, pageSize: 5000 });
    expect([objects.map(({ name }) => name), last]).toEqual([["paged/here/c"], ""]);
    const foreign = sign(service.keys, "page-token", ["videos", "x"]);
    const capability = sign(service.keys, "capability", ["storage.objects", "paged/here/", "a"]);
    for (const token of ["x", `${pageToken}x`, pageToken.slice(1), foreign, capability])
      expect(await reasonOf(list("paged/here/", { pageToken: token }))).toBe("INVALID_FIELD");
    expect(await reasonOf(list("paged/there/", { pageToken }))).toBe("INVALID_FIELD");
    expect(await reasonOf(list("paged/here/", { pageSize: -1 }))).toBe("INVALID_FIELD");
  });
});

describe("capabilities", () => {
  /** Every call of the contract on an object and its folder, with one capability. */
  function calls(object: string, capability: string): Record<string, () => Promise<unknown>> {
    const { client } = service;
    const asked = { capability, object };
    return {
      stageBlock: () => client.stageBlock({ ...asked, blockId: "00000007-00000001", data: Buffer.from("x") }, scope()),
      commitBlocks: () => client.commitBlocks(asked, scope()),
      discardBlocks: () => client.discardBlocks(asked, scope()),
      readObject: () => client.readObject(asked, scope()).next(),
      getObject: () => client.getObject(asked, scope()),
      deleteObject: () => client.deleteObject(asked, scope()),
      listObjects: () => client.listObjects({ capability, prefix: `${dirname(object)}/` }, scope()),
    };
  }

  async function refused(object: string, capability: string): Promise<readonly string[]> {
    const methods: string[] = [];
    for (const [method, call] of Object.entries(calls(object, capability)))
      if ((await reasonOf(call())) === "CAPABILITY_INVALID") methods.push(method);
    return methods;
  }

  const all = Object.keys(StorageServiceDefinition.methods);
  const without = (...methods: readonly string[]) => all.filter((method) => !methods.includes(method));

  test("none, an altered, an expired, one under another key, one for other objects", async () => {
    const object = fresh();
    const parent = `${dirname(object)}/`;
    const good = service.allow(parent, every);
    const [payload = "", signature = ""] = good.split(".");
    const elsewhere = createKeys([Buffer.alloc(32, 9)]);
    const bad = [
      "",
      "nonsense",
      `${payload}.${signature.slice(0, -1)}${signature.endsWith("A") ? "Q" : "A"}`,
      `${Buffer.from(JSON.stringify(["", "read", 9e9, null])).toString("base64url")}.${signature}`,
      service.allow(parent, every, { expires: new Date(Date.now() - 1000) }),
      mintCapability(elsewhere, { opens: parent, verbs: every, expires: new Date(Date.now() + 60_000) }),
      service.allow(`${object}x`, every),
      service.allow(`${parent}o`, every),
      service.allow(`${object}/`, every),
      sign(service.keys, "grant", [parent, every.join(" "), 9e9, null]),
    ];
    for (const capability of bad) expect([capability, await refused(object, capability)]).toEqual([capability, all]);
    expect(await refused(object, good)).toEqual([]);
  });

  test.each<[readonly Verb[], readonly string[]]>([
    [["read"], ["readObject", "getObject"]],
    [["write"], ["stageBlock", "commitBlocks", "discardBlocks"]],
    [["delete"], ["deleteObject", "discardBlocks"]],
    [["list"], ["listObjects"]],
    [[], []],
  ])("one to %j opens just %j", async (verbs, methods) => {
    const object = fresh();
    expect(await refused(object, service.allow(`${dirname(object)}/`, verbs))).toEqual(without(...methods));
  });

  test("one under a fence writes blocks of that fence alone, and discards nothing", async () => {
    const object = fresh();
    const capability = service.allow(object, ["write"], { fence: 7 });
    const stageAs = (blockId: string) =>
      service.client.stageBlock({ capability, object, blockId, data: Buffer.from("x") }, scope());
    expect(await reasonOf(stageAs("00000006-00000001"))).toBe("INVALID_FIELD");
    expect(await reasonOf(stageAs("00000008-00000001"))).toBe("INVALID_FIELD");
    const { block } = await stageAs("00000007-00000001");
    const { block: foreign } = await stage(object, Buffer.from("x"), "00000008-00000001");
    const commitAs = (blocks: readonly (Block | undefined)[]) =>
      service.client.commitBlocks({ capability, object, blocks: blocks.flatMap((each) => each ?? []) }, scope());
    expect(await reasonOf(commitAs([block, foreign]))).toBe("INVALID_FIELD");
    expect(await reasonOf(service.client.discardBlocks({ capability, object }, scope()))).toBe("CAPABILITY_INVALID");
    expect(await reasonOf(commitAs([block]))).toBeUndefined();
  });
});

/** Where /proc tells which files are open. */
const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("readers who leave at any point leave no file open", async () => {
  const name = fresh();
  await store(name, randomBytes(4 * 1024 * 1024));
  const openFiles = async () => {
    const links = await Promise.all(
      (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
    );
    return links.filter((link) => link.startsWith(folder.path));
  };
  for (let leaver = 0; leaver < 60; leaver++) {
    const abort = new AbortController();
    let left = leaver % 6;
    const reading = async () => {
      const messages = service.client.readObject({ capability: allow(name), object: name }, scope(abort.signal));
      for await (const message of messages) {
        if (left-- === 0) return message;
      }
      return undefined;
    };
    if (leaver % 2 === 0) await reading();
    else {
      const read = reading().catch(() => undefined);
      abort.abort(new Error("left"));
      await read;
    }
  }
  await until(async () => (await openFiles()).length === 0);
  expect(await openFiles()).toEqual([]);
});

test("the service is ready while its folder is there", async () => {
  const own = await temporaryFolder();
  const objects = join(own.path, "objects");
  const running = await startStorage({ REELMESH_DATA: own.path });
  const get = (object: string) =>
    running.client.getObject({ capability: running.allow(object, ["read"]), object }, scope());
  try {
    expect(await running.ready()).toBe(true);
    await rename(objects, `${objects}-gone`);
    await until(async () => !(await running.ready()));
    // From the service itself, or from the mesh once it has heard that nobody serves.
    expect(["STORE_UNAVAILABLE", "SERVICE_UNAVAILABLE"]).toContain(await reasonOf(get("a")));
    expect((await stat(objects).catch(() => undefined))?.isDirectory()).toBeUndefined();
    await rename(`${objects}-gone`, objects);
    await until(() => running.ready());
    await until(async () => (await reasonOf(get("a"))) === "RESOURCE_NOT_FOUND");
  } finally {
    await running.stop();
    await own.remove();
  }
});
