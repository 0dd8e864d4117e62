import { describe, expect, test } from "@jest/globals";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { createServer, get, type IncomingMessage } from "node:http";
import { EdgeError, problemOf, sendProblem } from "../src/problem.js";

describe("an error as HTTP says it", () => {
  test("a domain error brings its metadata, which cannot stand in for what HTTP says", () => {
    const metadata = { field: "title", problem: "is too long", status: "200", type: "x", reason: "OK" };
    expect(problemOf(new DomainError("INVALID_FIELD", metadata), "request-1")).toEqual({
      status: 400,
      headers: { "cache-control": "no-store", "content-type": "application/problem+json" },
      body: {
        type: "urn:reelmesh:error:INVALID_FIELD",
        title: "Invalid field",
        status: 400,
        detail: "title: is too long",
        instance: "request-1",
        reason: "INVALID_FIELD",
        field: "title",
        problem: "is too long",
      },
      unexpected: false,
    });
  });

  test.each([
    [new DomainError("SIGN_IN_REQUIRED"), 401],
    [new DomainError("NOT_PERMITTED", { action: "delete this" }), 403],
    [new DomainError("RESOURCE_NOT_FOUND", { resource: "videos/a" }), 404],
    [new DomainError("OBJECT_EXISTS", { resource: "a" }), 409],
    [new DomainError("ETAG_MISMATCH", { resource: "a" }), 409],
    [new DomainError("TOO_LARGE", { resource: "a", limit_bytes: "5" }), 413],
    [new DomainError("RANGE_NOT_SATISFIABLE", { resource: "a", size_bytes: "5" }), 416],
    [new DomainError("WRONG_STATE", { resource: "a", state: "READY", problem: "no" }), 400],
    [new DomainError("NO_SPACE"), 507],
    [new DomainError("CANCELLED"), 499],
    [new DomainError("OBJECT_DAMAGED", { resource: "a", problem: "no" }), 500],
    [new DomainError("INTERNAL"), 500],
    [new DomainError("UNIMPLEMENTED"), 501],
    [new DomainError("STORE_UNAVAILABLE"), 503],
    [new DomainError("DEADLINE_EXCEEDED"), 504],
    [new EdgeError("HOST_NOT_SERVED"), 421],
    [new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET" }), 405],
  ])("%s", (error, status) => {
    const problem = problemOf(error);
    expect({ status: problem.status, said: problem.body.status, unexpected: problem.unexpected }).toEqual({
      status,
      said: status,
      unexpected: false,
    });
    expect(problem.body.detail).toBe(error.message);
    expect(problem.body).not.toHaveProperty("instance");
  });

  test.each([
    [new DomainError("STORE_UNAVAILABLE"), { "retry-after": "1" }],
    [new DomainError("TOKEN_INVALID", { problem: "expired" }), { "www-authenticate": 'Bearer realm="reelmesh"' }],
    [new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET, HEAD" }), { allow: "GET, HEAD" }],
  ])("%s says in headers what to do", (error, headers) => {
    expect(problemOf(error).headers).toMatchObject(headers);
  });

  test.each([new TypeError("secret"), "secret", undefined, { status: 404, message: "secret" }])(
    "what nobody foresaw leaves with fixed text: %p",
    (thrown) => {
      const { body, status, unexpected } = problemOf(thrown);
      expect({ status, reason: body.reason, unexpected }).toEqual({
        status: 500,
        reason: "INTERNAL",
        unexpected: true,
      });
      expect(JSON.stringify(body)).not.toContain("secret");
    },
  );
});

describe("a problem sent", () => {
  async function answerOf(begin: boolean): Promise<IncomingMessage> {
    const error = new DomainError("RESOURCE_NOT_FOUND", { resource: "videos/한" });
    const server = createServer((_request, response) => {
      if (!begin) sendProblem(response, error, "request-1");
      else
        response
          .writeHead(200, { "content-length": 10 })
          .write("half", () => sendProblem(response, error, "request-1"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    try {
      return await new Promise((resolve, reject) => {
        get({ host: "127.0.0.1", port, agent: false }, resolve).once("error", reject);
      });
    } finally {
      server.close();
    }
  }

  test("is whole, in UTF-8", async () => {
    const answer = await answerOf(false);
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => answer.once("end", resolve));
    const body = Buffer.concat(chunks);
    expect(answer.headers).toMatchObject({
      "content-type": "application/problem+json",
      "content-length": String(body.length),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(JSON.parse(body.toString())).toMatchObject({ detail: "videos/한 was not found.", instance: "request-1" });
  });

  test("cuts off an answer that has begun", async () => {
    const answer = await answerOf(true);
    answer.resume();
    const error: unknown = await new Promise((resolve) => answer.once("error", resolve));
    expect(error).toMatchObject({ code: "ECONNRESET" });
  });
});
