import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { Client, credentials } from "@grpc/grpc-js";
import { catalog } from "../src/module.js";
import { CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { reasonOf, scope, startServices, until } from "./support/services.js";
import { dropDatabases, temporaryDatabase } from "./support/stores.js";

const url = process.env.TEST_MONGODB_URL;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A line to a server that can be cut and mended. */
async function openLine(target: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const onward = connect(target);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => undefined);
      end.on("close", () => {
        sockets.delete(end);
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      for (const socket of sockets) socket.destroy();
    });
  return { port, cut, mend: () => listen(port) };
}

/** What grpc.health.v1 says: 1 SERVING, 2 NOT_SERVING. */
async function healthAt(address: string, service: string): Promise<number | undefined> {
  const client = new Client(address, credentials.createInsecure());
  const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
  const same = (bytes: Buffer) => bytes;
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest("/grpc.health.v1.Health/Check", same, same, request, (error, answer) => {
        if (error) reject(error);
        else resolve(answer?.[1]);
      });
    });
  } finally {
    client.close();
  }
}

async function losesItsStore(mongodb: string): Promise<void> {
  const { hostname, port } = new URL(mongodb);
  const line = await openLine({ host: hostname, port: Number(port) });
  cleanups.push(line.cut);
  const database = temporaryDatabase();
  cleanups.push(() => dropDatabases(mongodb, database));
  const services = await startServices([catalog], {
    DBHOST: `mongodb://127.0.0.1:${line.port}/?serverSelectionTimeoutMS=500`,
    DBNAME: database,
    // Nothing is there: a broker that is away makes nobody unready.
    AMQP_URL: "amqp://127.0.0.1:1",
  });
  cleanups.push(() => services.stop());
  const client = services.client("catalog", CatalogServiceDefinition, "gateway");
  const { fullName } = CatalogServiceDefinition;
  const says = async (service: string) => healthAt(services.addressOf("catalog"), service);
  const ready = async () => (await fetch(`http://${services.opsAddress}/readyz`)).status;

  expect([await says(""), await says(fullName), await ready()]).toEqual([1, 1, 200]);
  await line.cut();
  await until(async () => (await says(fullName)) === 2);
  expect([await says(""), await ready()]).toEqual([2, 503]);
  expect((await fetch(`http://${services.opsAddress}/livez`)).status).toBe(200);
  // From the service itself, or from the mesh once it has heard that nobody serves.
  expect(["STORE_UNAVAILABLE", "SERVICE_UNAVAILABLE"]).toContain(await reasonOf(client.listVideos({}, scope())));

  await line.mend();
  await until(async () => (await says(fullName)) === 1);
  expect([await says(""), await ready()]).toEqual([1, 200]);
  await until(async () => (await reasonOf(client.listVideos({}, scope()))) === undefined);
}

const title = "a catalogue that loses its store says so, and that it is back";
if (url !== undefined) test(title, () => losesItsStore(url));
else if (process.env.CI === "true")
  test(title, () => {
    throw new Error("TEST_MONGODB_URL is not set.");
  });
else test.skip(`${title} (skipped: TEST_MONGODB_URL is not set)`, () => undefined);
