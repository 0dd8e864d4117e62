import { afterEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { createCleanup } from "../../../test/support/cleanup.js";
import { openEventStream, type EventStream } from "../../src/events/event-stream.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** A stream to a client that reads nothing. */
async function startStalled(): Promise<{ stream: EventStream; cut: Promise<unknown> }> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanup.add(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const socket = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1").pause();
  socket.on("error", () => undefined);
  cleanup.add(async () => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  return new Promise((resolve) => {
    server.once("request", (_request, response) => {
      resolve({
        cut: once(response, "close"),
        stream: openEventStream(response, { caller: {}, videos: undefined }),
      });
    });
  });
}

test("a page that does not read is cut off when too much waits, and writing on harms nothing", async () => {
  const { stream, cut } = await startStalled();
  const page = { isCut: false };
  void cut.then(() => (page.isCut = true));
  const json = JSON.stringify({ description: "x".repeat(10_000) });
  let told = 0;
  while (!page.isCut) {
    stream.show({ name: "videos/a", etag: String(told++), json });
    await new Promise(setImmediate);
  }
  expect(told * json.length).toBeGreaterThan(256 * 1024);
  stream.show({ name: "videos/a", etag: "more", json });
  stream.hide("videos/a");
  stream.beat();
  stream.end();
});
