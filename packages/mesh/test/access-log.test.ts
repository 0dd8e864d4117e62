import { describe, expect, test } from "@jest/globals";
import { DomainError, type Reason } from "../src/errors.js";
import { scope, startMesh, storageClient } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection, until } from "./support/until.js";

const rpc = (method: string) => `reelmesh.storage.v1.StorageService/${method}`;

describe("a call's line in the log", () => {
  test("says who called what for whom, how it ended and how long it took", async () => {
    const mesh = await startMesh([storageModule({ getObject: async () => ({}) })]);
    const principalToken = await mesh.tokens.forPrincipal({ name: "users/ann" }, 60);
    const given = scope({ principalToken });
    await storageClient(mesh, { caller: "upload" }).getObject({ capability: "top-secret", object: "a" }, given);
    expect(mesh.lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-/),
        level: "info",
        service: "storage",
        rpc: rpc("GetObject"),
        request_id: given.requestId,
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        principal: "users/ann",
        caller: "upload",
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        status: "OK",
        duration_ms: expect.any(Number),
        msg: "call",
      },
    ]);
    const text = JSON.stringify(mesh.lines);
    for (const secret of ["top-secret", principalToken, await mesh.tokens.forService("upload")]) {
      expect(text).not.toContain(secret);
    }
  });

  const levels: [Reason, string, string][] = [
    ["INTERNAL", "error", "INTERNAL"],
    ["OBJECT_DAMAGED", "error", "DATA_LOSS"],
    ["STORE_UNAVAILABLE", "warn", "UNAVAILABLE"],
    ["DEADLINE_EXCEEDED", "warn", "DEADLINE_EXCEEDED"],
    ["NO_SPACE", "warn", "RESOURCE_EXHAUSTED"],
    ["RESOURCE_NOT_FOUND", "info", "NOT_FOUND"],
    ["NOT_PERMITTED", "info", "PERMISSION_DENIED"],
    ["CANCELLED", "info", "CANCELLED"],
  ];

  test.each(levels)("that failed with %s has level %s and status %s", async (reason, level, status) => {
    const mesh = await startMesh([
      storageModule({ getObject: () => Promise.reject(new DomainError<Reason>(reason, { resource: "a" })) }),
    ]);
    await rejection(storageClient(mesh).getObject({}, scope()));
    // One an attempt: what is UNAVAILABLE is tried again.
    expect(mesh.calls().length).toBeGreaterThan(0);
    for (const call of mesh.calls()) expect(call).toMatchObject({ level, status, reason });
  });

  test("is one for a stream too, written when it ends", async () => {
    const mesh = await startMesh([
      storageModule({
        async *readObject() {
          yield { data: Buffer.from("a") };
          yield { data: Buffer.from("b") };
        },
      }),
    ]);
    const messages = storageClient(mesh).readObject({}, scope());
    await messages.next();
    await messages.next();
    expect(await messages.next()).toMatchObject({ done: true });
    await until(() => mesh.calls().length > 0);
    expect(mesh.calls()).toMatchObject([{ rpc: rpc("ReadObject"), status: "OK" }]);
  });

  test("is there for a call that was refused", async () => {
    const mesh = await startMesh([storageModule({}, { access: { getObject: "people" } })]);
    await rejection(storageClient(mesh, { caller: "upload" }).getObject({}, scope()));
    expect(mesh.calls()).toMatchObject([{ caller: "upload", status: "UNAUTHENTICATED", reason: "SIGN_IN_REQUIRED" }]);
  });

  test("shares its request id with what the handler itself logs", async () => {
    const mesh = await startMesh([
      storageModule({
        async getObject(_, { log }) {
          log.info("looking");
          return {};
        },
      }),
    ]);
    const given = scope();
    await storageClient(mesh).getObject({}, given);
    const said = { service: "storage", rpc: rpc("GetObject"), request_id: given.requestId };
    expect(mesh.lines).toMatchObject([
      { msg: "looking", ...said },
      { msg: "call", ...said },
    ]);
  });

  test.each(["", "short", "x".repeat(65), 'forged"line', "new id"])(
    "bears an id of its own when it was given %j",
    async (requestId) => {
      const mesh = await startMesh([storageModule({ getObject: async () => ({}) })]);
      await storageClient(mesh).getObject({}, scope({ requestId }));
      expect(mesh.calls()).toMatchObject([{ request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) }]);
    },
  );
});
