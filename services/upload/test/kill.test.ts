import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openData } from "@reelmesh/documents/data.js";
import { openDocuments } from "@reelmesh/documents/open.js";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability, type Verb } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import {
  CatalogServiceDefinition,
  Video_State,
  type Video,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { Upload_State, UploadServiceDefinition } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { scope, temporaryFolder, until } from "../../catalog/test/support/services.js";
import { openUploads } from "../src/repository.js";
import { buildProgram, startProgram, type Program } from "./support/process.js";

const KILLS = 10;
const WRITERS = 4;
const PIECES = 3;
const PIECE_BYTES = 10_000;
const SIZE = PIECES * PIECE_BYTES;

const folder = temporaryFolder();
let file: string;
let data: string;

beforeAll(async () => {
  const { path } = await folder;
  file = await buildProgram(join(path, "program"));
  data = join(path, "data");
});
afterAll(async () => (await folder).remove());

/** An upload that was acknowledged, and what else was of it. */
interface Told {
  readonly name: string;
  readonly video: string;
  readonly bytes: Buffer;
  /** The last offset that was acknowledged. */
  offset: number;
  /** The titles the video may have: the last one acknowledged, and those asked for since. */
  titles: string[];
}

interface Clients {
  readonly uploads: Client<typeof UploadServiceDefinition>;
  readonly catalog: Client<typeof CatalogServiceDefinition>;
  readonly storage: Client<typeof StorageServiceDefinition>;
  readonly ann: CallScope;
  readonly allow: (opens: string, verbs: readonly Verb[]) => string;
}

async function clientsOf(program: Program): Promise<Clients> {
  const principalToken = await program.tokens.forPrincipal({ name: "users/ann" }, 3600);
  return {
    uploads: program.client("upload", UploadServiceDefinition, "gateway"),
    catalog: program.client("catalog", CatalogServiceDefinition, "gateway"),
    storage: program.client("storage", StorageServiceDefinition, "gateway"),
    ann: scope({ principalToken }),
    allow: (opens, verbs) => mintCapability(program.keys, { opens, verbs, expires: new Date(Date.now() + 3_600_000) }),
  };
}

/** Writes an upload from where it stands to its end, piece by piece. */
async function pour(
  { uploads, storage, ann }: Clients,
  told: Told,
  offset: number,
  acknowledged: () => void,
): Promise<void> {
  const { name, bytes } = told;
  const { capability, object, fence } = await uploads.openWrite({ name, offset: BigInt(offset) }, ann);
  for (let at = offset; at < SIZE;) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const id = [Number(fence), at].map((part) => part.toString(16).padStart(8, "0")).join("-");
    const sha256 = createHash("sha256").update(piece).digest();
    await storage.stageBlock({ capability, object, blockId: id, sha256, data: piece }, ann);
    const block = { id, sha256, sizeBytes: BigInt(piece.length) };
    await uploads.recordBlocks({ name, fence, offset: BigInt(at), blocks: [block] }, ann);
    at += piece.length;
    told.offset = at;
    acknowledged();
  }
}

/** Makes uploads and writes them for as long as somebody answers. */
async function write(clients: Clients, all: Told[], acknowledged: () => void): Promise<void> {
  const { uploads, catalog, ann } = clients;
  for (;;) {
    const bytes = randomBytes(SIZE);
    const { name, video } = await uploads.createUpload(
      { upload: { sizeBytes: BigInt(SIZE), filename: "film.mp4", contentType: "video/mp4" } },
      ann,
    );
    const told: Told = { name, video, bytes, offset: 0, titles: ["film"] };
    all.push(told);
    acknowledged();
    await pour(clients, told, 0, acknowledged);
    const title = `Film ${all.length}`;
    told.titles.push(title);
    await catalog.updateVideo({ video: { name: video, title }, updateMask: ["title"] }, ann);
    told.titles = [title];
    acknowledged();
  }
}

async function read({ storage, allow }: Clients, object: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const { data: chunk } of storage.readObject({ capability: allow(object, ["read"]), object }, scope()))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function listVideos({ catalog, ann }: Clients): Promise<Video[]> {
  const videos: Video[] = [];
  for (let pageToken = ""; ;) {
    const page = await catalog.listVideos({ pageSize: 100, pageToken }, ann);
    videos.push(...page.videos);
    if (page.nextPageToken === "") return videos;
    pageToken = page.nextPageToken;
  }
}

/** The videos that an upload is still filling. */
async function listFilling({ uploads, ann }: Clients): Promise<Set<string>> {
  const filling = new Set<string>();
  for (let pageToken = ""; ;) {
    const page = await uploads.listUploads({ pageSize: 100, pageToken }, ann);
    for (const { video } of page.uploads) filling.add(video);
    if (page.nextPageToken === "") return filling;
    pageToken = page.nextPageToken;
  }
}

/** Lets the time pass after which an upload that was never acknowledged is given up. */
async function giveUpUnacknowledged(): Promise<void> {
  const documents = await openData(await openDocuments({ folder: join(data, "upload") }));
  const uploads = await openUploads(documents);
  for (const { _id } of await uploads.listIn("CREATING", 1000))
    await uploads.advance({ _id, state: "CREATING" }, { expireTime: new Date(0) });
  await documents.close();
}

test(`killed ${KILLS} times, everything acknowledged is there, and nothing is left half`, async () => {
  const all: Told[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const program = await startProgram(file, data);
    const clients = await clientsOf(program);
    let left = 1 + Math.floor(Math.random() * 40);
    const enough = new Promise<void>((resolve) => {
      const acknowledged = () => {
        if (--left === 0) resolve();
      };
      for (let writer = 0; writer < WRITERS; writer++)
        // What ends a writer is the kill.
        void write(clients, all, acknowledged).catch(() => undefined);
    });
    await enough;
    await program.kill();
  }
  expect(all.length).toBeGreaterThan(KILLS);

  await giveUpUnacknowledged();
  const program = await startProgram(file, data);
  const clients = await clientsOf(program);
  const { uploads, catalog, storage, ann, allow } = clients;

  for (const told of all) {
    const { name, video, bytes, titles } = told;
    const upload = await uploads.getUpload({ name }, ann);
    expect(Number(upload.offsetBytes)).toBeGreaterThanOrEqual(told.offset);
    expect(titles).toContain((await catalog.getVideo({ name: video }, ann)).title);
    const offset = Number(upload.offsetBytes);
    if (offset < SIZE) await pour(clients, told, offset, () => undefined);
    await until(async () => (await uploads.getUpload({ name }, ann)).state === Upload_State.FINISHED);
    expect((await read(clients, video.replace("videos/", "sources/"))).equals(bytes)).toBe(true);
  }

  // Every video is finished with its object, or has an upload that fills it; every object is a finished video's.
  const isFinished = ({ state }: Video) => state === Video_State.PROCESSING;
  await until(async () => {
    const [videos, filling] = [await listVideos(clients), await listFilling(clients)];
    return videos.every((video) => isFinished(video) !== filling.has(video.name));
  });
  const finished = (await listVideos(clients)).filter(isFinished).map(({ name }) => name);
  const { objects } = await storage.listObjects(
    { capability: allow("sources/", ["list"]), prefix: "sources/", pageSize: 1000 },
    scope(),
  );
  expect(objects.map(({ name }) => name.replace("sources/", "videos/")).sort()).toEqual(finished.sort());
  expect(objects.every(({ sizeBytes }) => sizeBytes === BigInt(SIZE))).toBe(true);
  await program.kill();
}, 60_000);
