import { Client, credentials } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { services, type AccessRule } from "../src/access.js";
import { createRawCaller } from "../src/client.js";
import { isDomainError } from "../src/errors.js";
import type { CallContext } from "../src/call.js";
import { defineModule } from "../src/module.js";
import { createKeys, type Keys } from "../src/secret.js";
import { createTokens } from "../src/tokens.js";
import { channelTo, scope, SECRET, startMesh, storageClient, type TestMesh } from "./support/mesh.js";
import { EVERYBODY, storageModule } from "./support/storage.js";
import { rejection } from "./support/until.js";

const keysOf = (...bytes: number[]) => createKeys(bytes.map((byte) => Buffer.alloc(32, byte)));

/** The same keys that the test's mesh has. */
const MESH_KEYS = createKeys([Buffer.from(SECRET, "base64")]);
const ANN = { name: "users/ann" };

/** A mesh whose GetObject says who called it. */
async function whoAsks(rule?: AccessRule): Promise<{ mesh: TestMesh; seen: CallContext[] }> {
  const seen: CallContext[] = [];
  const module = storageModule(
    {
      async getObject(_, context) {
        seen.push(context);
        return {};
      },
    },
    rule === undefined ? {} : { access: { getObject: rule } },
  );
  return { mesh: await startMesh([module]), seen };
}

/** Alters one character of a token. */
function altered(token: string, at: number): string {
  const index = at < 0 ? token.length + at : at;
  return `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
}

describe("a handler", () => {
  test("sees the calling service and the person it calls for", async () => {
    const { mesh, seen } = await whoAsks();
    const principalToken = await mesh.tokens.forPrincipal(ANN, 60);
    await storageClient(mesh, { caller: "upload" }).getObject({}, scope({ principalToken }));
    expect(seen).toMatchObject([{ caller: "upload", principal: ANN, principalToken }]);
  });

  test("sees nobody in an anonymous call", async () => {
    const { mesh, seen } = await whoAsks();
    const client = new Client(mesh.addressOf("storage"), credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const path = "/reelmesh.storage.v1.StorageService/GetObject";
    await new Promise((resolve) => client.makeUnaryRequest(path, same, same, Buffer.alloc(0), resolve));
    client.close();
    expect(seen.map(({ caller, principal, principalToken }) => ({ caller, principal, principalToken }))).toEqual([{}]);
    expect(mesh.calls()).toEqual([expect.not.objectContaining({ caller: expect.anything() })]);
  });
});

describe("a call is refused, though anybody may call, with", () => {
  const tokenInvalid = expect.objectContaining({ reason: "TOKEN_INVALID" });

  test("a service token of another mesh", async () => {
    const { mesh, seen } = await whoAsks();
    const client = storageClient(mesh, { tokens: createTokens(keysOf(9)) });
    expect(await rejection(client.getObject({}, scope()))).toEqual(tokenInvalid);
    expect(seen).toEqual([]);
    expect(mesh.calls()).toMatchObject([{ level: "info", status: "UNAUTHENTICATED", reason: "TOKEN_INVALID" }]);
  });

  // The last character of all has bits to spare.
  test.each([0, 10, -2, -10])("a person's token altered at %d", async (at) => {
    const { mesh } = await whoAsks();
    const principalToken = altered(await mesh.tokens.forPrincipal(ANN, 60), at);
    expect(await rejection(storageClient(mesh).getObject({}, scope({ principalToken })))).toEqual(tokenInvalid);
  });

  test("a service's token as a person's", async () => {
    const { mesh } = await whoAsks();
    const principalToken = await mesh.tokens.forService("upload");
    expect(await rejection(storageClient(mesh).getObject({}, scope({ principalToken })))).toEqual(tokenInvalid);
  });

  test("a person's token that has expired, by its own line in the log", async () => {
    const { mesh } = await whoAsks();
    const past = createTokens(MESH_KEYS, () => Date.now() - 3_600_000);
    const principalToken = await past.forPrincipal(ANN, 60);
    expect(await rejection(storageClient(mesh).getObject({}, scope({ principalToken })))).toEqual(tokenInvalid);
  });

  test.each(["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2Vycy9hbm4iLCJleHAiOjk5OTk5OTk5OTl9."])(
    "%j for a token",
    async (principalToken) => {
      const { mesh, seen } = await whoAsks("people");
      const error = await rejection(storageClient(mesh).getObject({}, scope({ principalToken })));
      expect(isDomainError(error, "TOKEN_INVALID", "SIGN_IN_REQUIRED")).toBe(true);
      expect(seen).toEqual([]);
    },
  );
});

describe("who may call", () => {
  const cases: [string, AccessRule, string, boolean, string][] = [
    ["anybody: a stranger to the mesh's people", "anybody", "upload", false, "OK"],
    ["people: a person", "people", "upload", true, "OK"],
    ["people: nobody", "people", "upload", false, "SIGN_IN_REQUIRED"],
    ["services: one of them", services("catalog", "upload"), "upload", false, "OK"],
    ["services: another", services("catalog", "transcode"), "upload", false, "NOT_PERMITTED"],
    ["services: a person through another", services("catalog"), "upload", true, "NOT_PERMITTED"],
    ["services: none", services(), "upload", false, "NOT_PERMITTED"],
  ];

  test.each(cases)("%s", async (_, rule, caller, signedIn, outcome) => {
    const { mesh, seen } = await whoAsks(rule);
    const principalToken = signedIn ? await mesh.tokens.forPrincipal(ANN, 60) : undefined;
    const call = storageClient(mesh, { caller }).getObject({}, scope({ principalToken }));
    const reason = await call.then(
      () => "OK",
      (error: unknown) => (isDomainError(error) ? error.reason : error),
    );
    expect(reason).toBe(outcome);
    expect(seen).toHaveLength(outcome === "OK" ? 1 : 0);
  });

  test("a method without a rule may be called by nobody", async () => {
    const { getObject: _, ...incomplete } = EVERYBODY;
    const { mesh, seen } = await servedWith(incomplete);
    const principalToken = await mesh.tokens.forPrincipal(ANN, 60);
    const call = storageClient(mesh).getObject({}, scope({ principalToken }));
    expect(await rejection(call)).toMatchObject({ reason: "NOT_PERMITTED" });
    expect(seen).toEqual([]);
  });

  test("a stream is refused before its first message", async () => {
    const module = storageModule({}, { access: { readObject: services("upload") } });
    const mesh = await startMesh([module]);
    expect(await rejection(storageClient(mesh).readObject({}, scope()).next())).toMatchObject({
      reason: "NOT_PERMITTED",
    });
  });
});

describe("tokens", () => {
  const clock = (startMs: number) => {
    const time = { nowMs: startMs };
    return { time, now: () => time.nowMs };
  };

  test.each([
    [59, true],
    [61, true],
    [119, true],
    [121, false],
  ])("of 60 seconds, after %d on another machine's clock: good is %s", async (seconds, good) => {
    const start = 1_750_000_000_000;
    const token = await createTokens(MESH_KEYS, () => start).forPrincipal(ANN, 60);
    const verifier = createTokens(MESH_KEYS, () => start + seconds * 1000);
    const seen = await verifier.principalOf(token).then(
      ({ name }) => name,
      (error: unknown) => (isDomainError(error) ? error.reason : error),
    );
    expect(seen).toBe(good ? "users/ann" : "TOKEN_INVALID");
  });

  test("of a machine whose clock is ahead are good", async () => {
    const start = 1_750_000_000_000;
    const token = await createTokens(MESH_KEYS, () => start + 55_000).forService("upload");
    expect(await createTokens(MESH_KEYS, () => start).serviceOf(token)).toBe("upload");
  });

  test("are remembered no longer than they are good", async () => {
    const { time, now } = clock(1_750_000_000_000);
    const tokens = createTokens(MESH_KEYS, now);
    const token = await tokens.forPrincipal(ANN, 60);
    expect(await tokens.principalOf(token)).toEqual(ANN);
    time.nowMs += 121_000;
    expect(await rejection(tokens.principalOf(token))).toMatchObject({ reason: "TOKEN_INVALID" });
  });

  test("of a service are made anew when half their time has passed", async () => {
    const { time, now } = clock(1_750_000_000_000);
    const tokens = createTokens(MESH_KEYS, now);
    const first = await tokens.forService("upload");
    time.nowMs += 299_000;
    expect(await tokens.forService("upload")).toBe(first);
    expect(await tokens.forService("catalog")).not.toBe(first);
    time.nowMs += 2_000;
    expect(await tokens.forService("upload")).not.toBe(first);
    expect(await tokens.serviceOf(first)).toBe("upload");
  });

  test("verify for good however many there are", async () => {
    const tokens = createTokens(MESH_KEYS);
    const many = await Promise.all(
      Array.from({ length: 1_100 }, (_, index) => tokens.forPrincipal({ name: `users/${index}` }, 60)),
    );
    for (const token of many) await tokens.principalOf(token);
    expect(await Promise.all([many[0], many[1_099]].map((token) => tokens.principalOf(token ?? "")))).toEqual([
      { name: "users/0" },
      { name: "users/1099" },
    ]);
  });

  test("signed with the old secret are good while two are in force, and refused after", async () => {
    const good = (keys: Keys, token: string) =>
      createTokens(keys)
        .serviceOf(token)
        .then(
          () => true,
          () => false,
        );
    const before = await createTokens(keysOf(1)).forService("upload");
    const after = await createTokens(keysOf(2, 1)).forService("upload");
    expect(await good(keysOf(2, 1), before)).toBe(true);
    expect(await good(keysOf(2, 1), after)).toBe(true);
    expect(await good(keysOf(2), after)).toBe(true);
    expect(await good(keysOf(2), before)).toBe(false);
    expect(await good(keysOf(1, 2), after)).toBe(true);
  });

  test("reach a mesh that rotates its secret", async () => {
    const module = storageModule({ getObject: async () => ({}) });
    const [old, fresh] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((bytes) => bytes.toString("base64"));
    const rotating = await startMesh([module], { MESH_SECRET: `${fresh ?? ""},${old ?? ""}` });
    const asOld = channelTo(rotating, { tokens: createTokens(keysOf(1)) });
    const path = "/reelmesh.storage.v1.StorageService/GetObject";
    await expect(createRawCaller(asOld)(path, Buffer.alloc(0), scope())).resolves.toEqual(Buffer.alloc(0));
    const rotated = await startMesh([module], { MESH_SECRET: fresh ?? "" });
    const late = createRawCaller(channelTo(rotated, { tokens: createTokens(keysOf(1)) }));
    expect(await rejection(late(path, Buffer.alloc(0), scope()))).toMatchObject({ reason: "TOKEN_INVALID" });
  });
});

/** A mesh whose access table was made at run time. */
async function servedWith(access: Record<string, AccessRule>): Promise<{ mesh: TestMesh; seen: CallContext[] }> {
  const seen: CallContext[] = [];
  const implementation = {
    async getObject(_: unknown, context: CallContext) {
      seen.push(context);
      return {};
    },
  };
  const module = defineModule({
    name: "storage",
    port: 7001,
    clients: [],
    config: () => undefined,
    start: async () => ({ services: [{ definition: StorageServiceDefinition, implementation, access }] }),
  });
  return { mesh: await startMesh([module]), seen };
}
