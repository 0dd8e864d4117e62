import { afterEach, describe, expect, test } from "@jest/globals";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { createLog } from "@reelmesh/mesh/log.js";
import { once } from "node:events";
import { connect } from "node:net";
import { createCleanup } from "../../test/support/cleanup.js";
import { until } from "../../test/support/until.js";
import { startEdge, type EdgeHandler, type EdgeServer } from "../src/server.js";
import { answerOf, bodyOf, createHttpClient, jsonIn, membersOf, type HttpClient } from "./support/http.js";

const MIB = 1024 * 1024;
/** A grace that outlasts any test. */
const FOR_EVER_MS = 3_600_000;

const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface Running {
  readonly edge: EdgeServer;
  readonly http: HttpClient;
  readonly url: string;
  /** What was logged. */
  readonly logged: Readonly<Record<string, unknown>>[];
}

/** An edge with this handler under /bytes/, and `pages` for everything else. */
async function start(handler: EdgeHandler): Promise<Running> {
  const logged: Readonly<Record<string, unknown>>[] = [];
  const edge = await startEdge({
    listen: { host: "127.0.0.1", port: 0 },
    hosts: ["video.example"],
    paths: new Map([["bytes", handler]]),
    pages: (request, response) => {
      request.resume();
      request.once("end", () => response.end("a page"));
    },
    log: createLog("info", { write: (line: string) => void logged.push(membersOf(line)) }),
  });
  cleanup.add(() => edge.close(0));
  const url = `http://127.0.0.1:${edge.address.port}`;
  return { edge, http: createHttpClient(url, cleanup), url, logged };
}

const respond =
  (text: string): EdgeHandler =>
  (_request, response) => {
    response.end(text);
    return Promise.resolve();
  };

describe("who answers", () => {
  test.each([
    ["/bytes", "bytes"],
    ["/bytes/", "bytes"],
    ["/bytes/a/b", "bytes"],
    ["/bytes?a=/x", "bytes"],
    ["/", "a page"],
    ["/byte", "a page"],
    ["/bytes2", "a page"],
    ["/Bytes", "a page"],
    ["//bytes", "a page"],
    ["/%62ytes", "a page"],
    ["/x/../bytes", "a page"],
    ["/?/bytes", "a page"],
  ])("%s: %s", async (path, text) => {
    const { http } = await start(respond("bytes"));
    expect((await http.ask(path)).body.toString()).toBe(text);
  });

  test("a foreign host, page or target is not let through to a handler", async () => {
    const { http } = await start(respond("bytes"));
    expect((await http.ask("/bytes", { headers: { host: "video.example" } })).status).toBe(200);
    expect((await http.ask("/bytes", { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await http.ask("/bytes", { method: "POST", headers: { origin: "http://evil.example" } })).status).toBe(403);
    expect((await http.ask("/bytes/#x")).status).toBe(400);
  });
});

describe("what goes wrong", () => {
  test("in a way that is foreseen is a problem, and no news", async () => {
    const { http, logged } = await start(() => Promise.reject(new DomainError("NO_SPACE")));
    const answer = await http.ask("/bytes", { headers: { "x-request-id": "request-1234" } });
    expect(answer.status).toBe(507);
    expect(answer.headers["x-request-id"]).toBe("request-1234");
    expect(jsonIn(answer)).toMatchObject({ reason: "NO_SPACE", instance: "request-1234" });
    expect(logged).toEqual([]);
  });

  test("in a way that nobody foresaw is told to the log alone", async () => {
    const { http, logged } = await start(() => Promise.reject(new Error("the secret is 1234")));
    const answer = await http.ask("/bytes", { headers: { "x-request-id": "request-1234" } });
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain("secret");
    expect(jsonIn(answer)).toMatchObject({ reason: "INTERNAL", detail: "Something went wrong on our side." });
    expect(logged).toMatchObject([{ request_id: "request-1234", err: { message: "the secret is 1234" } }]);
  });

  test("after the response has begun cuts it off", async () => {
    const { http, logged } = await start(async (_request, response) => {
      response.writeHead(200, { "content-length": 10 });
      await new Promise((resolve) => response.write("half", resolve));
      throw new Error("half-way");
    });
    await expect(http.ask("/bytes")).rejects.toThrow("aborted");
    expect(logged).toHaveLength(1);
  });

  test("with what a client sends before it sends a request is 400", async () => {
    const { url } = await start(respond("bytes"));
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET /bytes HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n");
    const chunks: AsyncIterable<unknown> = socket;
    let text = "";
    for await (const chunk of chunks) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("a body that is not wanted", () => {
  const refuse: EdgeHandler = () => Promise.reject(new DomainError("NO_SPACE"));

  test("does not keep its sender from the answer", async () => {
    const { http } = await start(refuse);
    const body = Buffer.alloc(64 * MIB);
    for (let round = 0; round < 5; round++)
      expect((await http.ask("/bytes", { method: "POST", body })).status).toBe(507);
  });

  test("is not waited for: a sender who never ends is cut off", async () => {
    const { http } = await start(refuse);
    const headers = { "content-length": "100", connection: "keep-alive" };
    const begun = http.begin("/bytes", { method: "POST", headers });
    begun.write("only this");
    const response = await answerOf(begun);
    expect(response.statusCode).toBe(507);
    const closed = begun.socket && once(begun.socket, "close");
    await bodyOf(response);
    await closed;
  });

  test("is not sent by a client that asks first, unless the handler or the pages want it", async () => {
    const { http } = await start(refuse);
    const ask = async (path: string) => {
      const begun = http.begin(path, { method: "POST", headers: { expect: "100-continue", "content-length": "5" } });
      let asked = false;
      begun.on("continue", () => {
        asked = true;
        begun.end("hello");
      });
      begun.flushHeaders();
      const { statusCode } = await answerOf(begun);
      return { statusCode, asked };
    };
    expect(await ask("/bytes")).toEqual({ statusCode: 507, asked: false });
    expect(await ask("/")).toEqual({ statusCode: 200, asked: true });
  });
});

describe("a stop", () => {
  test("does not wait for connections that are idle, nor for the grace when the last answer is out", async () => {
    let finish: () => void = () => undefined;
    const { edge, http } = await start(async (_request, response) => {
      response.write("first ");
      await new Promise<void>((resolve) => (finish = resolve));
      response.end("last");
    });
    await http.ask("/idle");
    const begun = http.begin("/bytes", { headers: { connection: "keep-alive" } });
    begun.end();
    const response = await answerOf(begun);
    const closed = edge.close(FOR_EVER_MS);
    finish();
    expect((await bodyOf(response)).toString()).toBe("first last");
    await closed;
    await expect(http.ask("/bytes")).rejects.toThrow();
  });

  test("serves on for the notice, and ends each connection with its answer", async () => {
    const { edge, http } = await start(respond("bytes"));
    const before = http.begin("/bytes", { headers: { connection: "keep-alive" } });
    before.end();
    expect((await answerOf(before)).headers.connection).toBe("keep-alive");
    const closed = edge.close(FOR_EVER_MS, 1_000);
    const during = http.begin("/bytes", { headers: { connection: "keep-alive" } });
    during.end();
    expect((await answerOf(during)).headers).toMatchObject({ connection: "close" });
    await closed;
    await expect(http.ask("/bytes")).rejects.toThrow();
  });

  test("cuts off what outlasts the grace", async () => {
    const { edge, http } = await start((_request, response) => {
      response.write("and on and on");
      return new Promise(() => undefined);
    });
    const begun = http.begin("/bytes");
    begun.end();
    const response = await answerOf(begun);
    const body = expect(bodyOf(response)).rejects.toThrow("aborted");
    await edge.close(20);
    await body;
  });

  test("cuts off a viewer who reads nothing", async () => {
    const { edge, http } = await start(async (_request, response) => {
      while (!response.destroyed) if (!response.write(Buffer.alloc(MIB))) await once(response, "drain");
    });
    const begun = http.begin("/bytes");
    begun.end();
    const response = await answerOf(begun);
    await edge.close(20);
    await expect(bodyOf(response)).rejects.toThrow("aborted");
  });

  test("cuts a body that is coming in, and waits until what has arrived is kept", async () => {
    const steps: string[] = [];
    let keep: () => void = () => undefined;
    const { edge, http } = await start(async (request) => {
      await once(request, "data");
      steps.push("arrived");
      await new Promise((resolve) => request.once("close", resolve));
      steps.push("cut");
      await new Promise<void>((resolve) => (keep = resolve));
      steps.push("kept");
    });
    const begun = http.begin("/bytes", { method: "PATCH", headers: { "content-length": "100" } });
    const answered = expect(answerOf(begun)).rejects.toThrow("hang up");
    begun.write("some");
    await until(() => steps.length === 1);
    const closed = edge.close(FOR_EVER_MS).then(() => steps.push("closed"));
    await until(() => steps.length === 2);
    keep();
    await closed;
    await answered;
    expect(steps).toEqual(["arrived", "cut", "kept", "closed"]);
  });
});

test("a port that is taken is said with its address", async () => {
  const { edge } = await start(respond("bytes"));
  const again = startEdge({
    listen: edge.address,
    hosts: [],
    paths: new Map(),
    pages: () => undefined,
    log: createLog("silent", { write: () => true }),
  });
  await expect(again).rejects.toThrow(`Cannot listen on 127.0.0.1:${edge.address.port}`);
});
