import { Client, Metadata, credentials, getChannelzServiceDefinition } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { networkInterfaces } from "node:os";
import { afterTest, startMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";

const { GetServers } = getChannelzServiceDefinition();

function getServers(address: string, metadata = new Metadata()): Promise<unknown> {
  const client = new Client(address, credentials.createInsecure());
  afterTest(() => {
    client.close();
  });
  return new Promise((resolve, reject) => {
    const answered = (error: Error | null, answer: unknown) => {
      if (error) reject(error);
      else resolve(answer);
    };
    const { path, requestSerialize, responseDeserialize } = GetServers;
    const request = { start_server_id: 0, max_results: 0 };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, {}, answered);
  });
}

test("channelz answers on loopback", async () => {
  const mesh = await startMesh([storageModule({})]);
  expect(await getServers(mesh.addressOf("storage"))).toMatchObject({ server: expect.any(Array) });
});

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

(outside === undefined ? test.skip : test)(
  "channelz answers only services beyond loopback (needs a network interface besides loopback)",
  async () => {
    const mesh = await startMesh([storageModule({})], {
      STORAGE_LISTEN: `${outside ?? ""}:0`,
      MESH_PLAINTEXT: "allow",
    });
    const address = mesh.addressOf("storage");
    expect(await rejection(getServers(address))).toMatchObject({ code: 7 });
    const forged = new Metadata();
    forged.set("reelmesh-caller", "forged");
    expect(await rejection(getServers(address, forged))).toMatchObject({ code: 7 });
    const metadata = new Metadata();
    metadata.set("reelmesh-caller", await mesh.tokens.forService("upload"));
    expect(await getServers(address, metadata)).toMatchObject({ server: expect.any(Array) });
  },
);
