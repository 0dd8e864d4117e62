/** The byte path: one file through the edge and storage, beside the same file by node:http alone. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds, median, printTable } from "./measure.js";
import { start, startReelmesh, type ServerProcess } from "./server-process.js";

const SIZE = 256 * 1024 * 1024;
const ROUNDS = 5;
const RANGE = 512 * 1024;
const RANGES = 400;

const agent = new Agent({ keepAlive: true });

/** Reads a response to its end and throws its bytes away; answers how many there were. */
function read(url: string, range?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: range === undefined ? {} : { range } }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => (bytes += chunk.length));
      response.once("end", () => {
        resolve(bytes);
      });
      response.once("error", reject);
    }).once("error", reject);
  });
}

async function upload(url: string, bytes: Buffer): Promise<string> {
  const tus = { "tus-resumable": "1.0.0" };
  const metadata = `filetype ${Buffer.from("video/mp4").toString("base64")},visibility ${Buffer.from("PUBLIC").toString("base64")}`;
  const created = await fetch(`${url}/uploads`, {
    method: "POST",
    headers: { ...tus, "upload-length": String(bytes.length), "upload-metadata": metadata },
  });
  const headers = { ...tus, "upload-offset": "0", "content-type": "application/offset+octet-stream" };
  const begun = performance.now();
  const written = await fetch(`${url}${created.headers.get("location") ?? ""}`, {
    method: "PATCH",
    headers,
    body: new Uint8Array(bytes),
  });
  if (written.status !== 204) throw new Error(`The upload failed: ${written.status}`);
  console.log(
    `Upload of ${SIZE / 2 ** 20} MiB: ${(SIZE / 1e6 / ((performance.now() - begun) / 1000)).toFixed(0)} MB/s`,
  );
  return `${url}/media/${created.headers.get("reelmesh-video")?.replace("videos/", "") ?? ""}/-/source`;
}

interface Sample {
  readonly mbps: number;
  readonly cpuPerGb: number;
}

async function sample(server: ServerProcess, work: () => Promise<number>): Promise<Sample> {
  const [cpu, begun] = [cpuSeconds(server.pid), performance.now()];
  const bytes = await work();
  const seconds = (performance.now() - begun) / 1000;
  return { mbps: bytes / 1e6 / seconds, cpuPerGb: (cpuSeconds(server.pid) - cpu) / (bytes / 1e9) };
}

async function ranges(url: string, starts: readonly number[]): Promise<number> {
  let bytes = 0;
  for (const from of starts) bytes += await read(url, `bytes=${from}-${from + RANGE - 1}`);
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), "reelmesh-bytes-"));
const file = join(folder, "file.mp4");
const content = randomBytes(SIZE);
writeFileSync(file, content);
const reelmesh = await startReelmesh();
const peer = await start([join(import.meta.dirname, "peer-http.js"), file], {});
try {
  const ours = await upload(reelmesh.url, content);
  const samples = {
    whole: { ours: new Array<Sample>(), peer: new Array<Sample>() },
    ranges: { ours: new Array<Sample>(), peer: new Array<Sample>() },
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const starts = Array.from({ length: RANGES }, () => Math.floor(Math.random() * (SIZE - RANGE)));
    const taken = {
      whole: { ours: await sample(reelmesh, () => read(ours)), peer: await sample(peer, () => read(peer.url)) },
      ranges: {
        ours: await sample(reelmesh, () => ranges(ours, starts)),
        peer: await sample(peer, () => ranges(peer.url, starts)),
      },
    };
    if (round === 0) continue; // Warms both up.
    for (const kind of ["whole", "ranges"] as const) {
      samples[kind].ours.push(taken[kind].ours);
      samples[kind].peer.push(taken[kind].peer);
    }
  }
  const row = (name: string, kind: "whole" | "ranges", key: keyof Sample) => {
    const [our, their] = [
      median(samples[kind].ours.map((each) => each[key])),
      median(samples[kind].peer.map((each) => each[key])),
    ];
    return [name, our, their, our / their];
  };
  console.log(`Medians of ${ROUNDS} rounds, one reader`);
  printTable(
    ["", "Reelmesh", "node:http", "ratio"],
    [
      row("whole file (MB/s)", "whole", "mbps"),
      row("whole file (CPU s/GB)", "whole", "cpuPerGb"),
      row("512 KiB ranges (MB/s)", "ranges", "mbps"),
      row("512 KiB ranges (CPU s/GB)", "ranges", "cpuPerGb"),
    ],
  );
} finally {
  await Promise.all([reelmesh.stop(), peer.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
