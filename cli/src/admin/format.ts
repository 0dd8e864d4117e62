import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";

/*
 * A backup is a folder:
 *
 *   manifest.json                            written last: without it there is no backup
 *   documents/{service}/{collection}.jsonl   a document a line, in MongoDB Extended JSON
 *   objects.jsonl                            an object a line: name, etag, type, size, and its blocks
 *   objects/{name}~                          its bytes; no name holds a `~`, so `a` and `a/b` do not meet
 *
 * The manifest has the digests of the .jsonl files, and objects.jsonl those of every object's bytes.
 */

export const FORMAT = 1;
const MANIFEST = "manifest.json";
export const OBJECTS = "objects.jsonl";

/** A file of lines. */
export interface LinesFile {
  readonly file: string;
  readonly lines: number;
  /** Of the whole file, hexadecimal. */
  readonly sha256: string;
}

/** A collection in a backup. */
export interface KeptCollection extends LinesFile {
  readonly service: string;
  readonly collection: string;
  /** What the program wrote when the backup was made. */
  readonly schema: number;
  /** The least schema that every document in it needs. */
  readonly minSchema: number;
}

/** What a backup holds. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly id: string;
  /** Of Reelmesh. */
  readonly version: string;
  readonly beginTime: string;
  readonly endTime: string;
  readonly collections: readonly KeptCollection[];
  readonly objects: LinesFile & { readonly bytes: number; readonly included: boolean };
  /** Objects that documents need and that the store had lost before. */
  readonly lost: readonly string[];
}

/** An object in a backup. */
export interface KeptObject {
  readonly name: string;
  readonly etag: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly blocks: readonly { readonly id: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export function documentsFile(service: string, collection: string): string {
  return `documents/${service}/${collection}.jsonl`;
}

export function objectFile(name: string): string {
  return `objects/${name}~`;
}

/** Writes lines into a new file, and tells its digest at the end, when it is on disk. */
export class LinesWriter {
  readonly #hash: Hash = createHash("sha256");
  #lines = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(
    private readonly handle: FileHandle,
    private readonly file: string,
  ) {}

  static async create(folder: string, file: string): Promise<LinesWriter> {
    return new LinesWriter(await open(join(folder, file), "wx"), file);
  }

  /** In the order in which it is called. */
  write(lines: readonly (string | Uint8Array)[]): Promise<void> {
    const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), NEWLINE]));
    this.#hash.update(bytes);
    this.#lines += lines.length;
    return (this.#written = this.#written.then(() => this.handle.writeFile(bytes)));
  }

  async end(): Promise<LinesFile> {
    await this.handle.sync();
    await this.handle.close();
    return { file: this.file, lines: this.#lines, sha256: this.#hash.digest("hex") };
  }
}

const NEWLINE = Buffer.from("\n");

/** The lines of a file. */
export function linesOf(folder: string, file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(join(folder, file)), crlfDelay: Infinity });
}

/** @throws Error where the file is not what was written. */
export async function verifyLines(folder: string, { file, sha256 }: LinesFile): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(join(folder, file)), hash);
  if (hash.digest("hex") !== sha256) throw new Error(`${file} is not what was written: the backup is damaged`);
}

/** Makes a folder of what was written into it a backup. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const draft = join(folder, `${MANIFEST}.draft`);
  const handle = await open(draft, "w");
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(folder, MANIFEST));
  await syncFolder(folder);
}

/** @throws Error with a sentence where the folder holds no backup that this version reads. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => {
    throw new Error(`${folder} holds no whole backup: there is no ${MANIFEST}`);
  });
  const manifest: unknown = JSON.parse(text);
  if (!isManifest(manifest)) throw new Error(`${folder} holds a backup of another format than ${FORMAT}`);
  return manifest;
}

function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value.format === FORMAT &&
    "id" in value &&
    "collections" in value &&
    Array.isArray(value.collections) &&
    "objects" in value
  );
}

export function isKeptObject(value: unknown): value is KeptObject {
  return typeof value === "object" && value !== null && "name" in value && "blocks" in value && "etag" in value;
}

/** What was renamed or made in a folder survives a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The `_id` of a document's line. */
export function idOf(line: string): string {
  const document: unknown = JSON.parse(line);
  const id = typeof document === "object" && document !== null && "_id" in document ? document._id : undefined;
  if (typeof id === "string") return id;
  throw new Error("A document has no _id: the backup is damaged");
}
