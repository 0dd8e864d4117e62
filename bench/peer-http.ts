/** The peer: one file by node:http and fs, whole and in ranges, with nothing in between. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { pipeline } from "node:stream";

const [, , file = ""] = process.argv;

const server = createServer((request, response) => {
  if (file === "") {
    response.end();
    return;
  }
  const { size } = statSync(file);
  const [, from = "0", to = String(size - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const [start, end] = [Number(from), Number(to)];
  response.writeHead(request.headers.range ? 206 : 200, {
    "content-type": "video/mp4",
    "content-length": end - start + 1,
    ...(request.headers.range ? { "content-range": `bytes ${start}-${end}/${size}` } : {}),
  });
  pipeline(createReadStream(file, { start, end, highWaterMark: 256 * 1024 }), response, () => undefined);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.once("SIGTERM", () => process.exit(0));
