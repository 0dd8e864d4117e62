import { once } from "node:events";
import { connect as connectTo, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect } from "../src/azure/connect.js";
import { openAzureStore } from "../src/azure/store.js";
import type { ObjectStore } from "../src/object-store.js";
import { startAzurite, type Azurite } from "./azurite.js";
import { describeObjectStore } from "./contract.js";
import { until } from "./running.js";
import { objectName, prefixOf, readAll, reasonOf, storeRandom } from "./support.js";

const MEBIBYTE = 1024 * 1024;

function openStore(connectionString: string): Promise<ObjectStore> {
  return openAzureStore({ account: { kind: "connection string", connectionString }, container: "objects" });
}

describe("Azure Blob Storage", () => {
  describeObjectStore(async () => {
    const azurite = await startAzurite();
    return { store: await openStore(azurite.connectionString), stop: () => azurite.stop() };
  });
});

/** Stands between the store and Azurite. */
async function startProxy(target: number) {
  const open = new Set<Socket>();
  const cutAfter: number[] = [];
  let answers = 0;
  const server = createServer((socket) => {
    const upstream = connectTo(target, "127.0.0.1");
    open.add(socket);
    let sent = 0;
    upstream.on("data", (data) => {
      sent += data.length;
      answers += data.length;
      const [limit] = cutAfter;
      if (limit !== undefined && sent > limit) {
        cutAfter.shift();
        upstream.destroy();
        socket.destroy();
      } else if (!socket.write(data)) {
        upstream.pause();
        socket.once("drain", () => upstream.resume());
      }
    });
    socket.pipe(upstream);
    socket.on("close", () => {
      open.delete(socket);
      upstream.destroy();
    });
    upstream.on("close", () => socket.destroy());
    socket.on("error", () => undefined);
    upstream.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    open,
    /** Cuts the next connections, one after the other, each after so many bytes of answers. */
    cut(...after: readonly number[]) {
      cutAfter.splice(0, cutAfter.length, ...after);
    },
    cutsLeft: () => cutAfter.length,
    answered: () => answers,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("the way to Azure", () => {
  let azurite: Azurite;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let store: ObjectStore;

  beforeAll(async () => {
    azurite = await startAzurite();
    proxy = await startProxy(azurite.port);
    store = await openStore(azurite.connectionString.replace(`:${azurite.port}/`, `:${proxy.port}/`));
  });
  afterAll(async () => {
    await proxy.stop();
    await azurite.stop();
  });

  test("a download that breaks off goes on where it was", async () => {
    const name = objectName("broken/off");
    const { bytes } = await storeRandom(store, name, [4 * MEBIBYTE, 4 * MEBIBYTE]);
    proxy.cut(MEBIBYTE, 2 * MEBIBYTE, 500_000);
    expect((await readAll(store, name, { offset: 1000 })).equals(bytes.subarray(1000))).toBe(true);
    expect(proxy.cutsLeft()).toBe(0);
  });

  test("one that cannot go on ends with an error, never short", async () => {
    const name = objectName("broken/for-good");
    await storeRandom(
      store,
      name,
      Array.from({ length: 8 }, () => 4 * MEBIBYTE),
    );
    proxy.cut(MEBIBYTE, ...Array.from({ length: 40 }, () => 500));
    const opened = await store.open(name, { offset: 0 }, new AbortController().signal);
    const reading = async () => {
      for await (const chunk of opened.bytes) expect(chunk.length).toBeGreaterThan(0);
    };
    expect(await reasonOf(reading())).toBe("STORE_UNAVAILABLE");
    proxy.cut();
    expect(await reasonOf(store.check())).toBeUndefined();
  });

  test.each(["before the first byte", "after it"])("a reader who leaves %s closes the connection", async (when) => {
    const name = objectName("left/early");
    await storeRandom(
      store,
      name,
      Array.from({ length: 8 }, () => 4 * MEBIBYTE),
    );
    const before = new Set(proxy.open);
    const answered = proxy.answered();
    const abort = new AbortController();
    const opened = await store.open(name, { offset: 0 }, abort.signal);
    if (when === "after it") for await (const chunk of opened.bytes) if (chunk.length > 0) break;
    if (when === "before the first byte") abort.abort();
    await until(() => [...proxy.open].every((socket) => before.has(socket)) || proxy.open.size < before.size);
    expect(proxy.answered() - answered).toBeLessThan(32 * MEBIBYTE);
  });
});

test("a blob that is no object of ours is not seen", async () => {
  const azurite = await startAzurite();
  const { connectionString } = azurite;
  const store = await openStore(connectionString);
  await store.check();
  const container = await connect({ kind: "connection string", connectionString }, "objects");
  const name = objectName("foreign/blob");
  await container.getBlockBlobClient(name).upload("foreign", 7);
  await container.getBlockBlobClient("foreign/not a name").upload("foreign", 7);
  expect(await reasonOf(store.get(name))).toBe("RESOURCE_NOT_FOUND");
  expect(await reasonOf(readAll(store, name))).toBe("RESOURCE_NOT_FOUND");
  expect(await store.list(prefixOf("foreign/"), { limit: 5 })).toEqual({ objects: [] });
  await store.commit(name, { blocks: [], contentType: "video/mp4", precondition: { kind: "create only" } });
  expect((await store.get(name)).size).toBe(0);
  await azurite.stop();
});

test("a store that does not answer is unavailable, and is back when it answers again", async () => {
  const first = await startAzurite();
  const store = await openStore(first.connectionString);
  const name = objectName("here/and/gone");
  expect(await reasonOf(store.check())).toBeUndefined();
  await first.stop();
  const calls = [store.check(), store.get(name), readAll(store, name), store.delete(name), store.discard(name)];
  expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => "STORE_UNAVAILABLE"));
  const second = await startAzurite(first.port);
  expect(await reasonOf(store.check())).toBeUndefined();
  const { bytes } = await storeRandom(store, name, [10]);
  expect(await readAll(store, name)).toEqual(bytes);
  await second.stop();
});

test("an account is reached by its key or by the process's own identity", async () => {
  const key = Buffer.alloc(64, 1).toString("base64");
  const url = "https://reels.blob.core.windows.net/objects";
  expect((await connect({ kind: "key", account: "reels", key }, "objects")).url).toBe(url);
  expect((await connect({ kind: "identity", account: "reels" }, "objects")).url).toBe(url);
});
