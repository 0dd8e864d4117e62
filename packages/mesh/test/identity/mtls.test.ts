import { describe, expect, test } from "@jest/globals";
import { Client, credentials } from "@grpc/grpc-js";
import { connect } from "node:tls";
import { readFileSync } from "node:fs";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { services, type AccessRule } from "../../src/access.js";
import type { CallContext } from "../../src/call.js";
import { DEADLINE_MS, openChannel } from "../../src/channel.js";
import { createClient } from "../../src/client.js";
import { createAuthority } from "../../src/identity/authority.js";
import type { Identities } from "../../src/identity/credentials.js";
import { createKeys } from "../../src/secret.js";
import { createTokens, type Tokens } from "../../src/tokens.js";
import { identitiesOf, makeCertificates, tlsVariables } from "../support/certificates.js";
import { afterTest, scope, SECRET, startMesh, type TestMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";

const KEYS = createKeys([Buffer.from(SECRET, "base64")]);
const TEN_MINUTES_MS = 600_000;
/** A service's token is used for so long. */
const TOKEN_KEPT_MS = 300_000;

/** A mesh over mutual TLS whose GetObject says who called it. */
async function secured(rule: AccessRule = services("upload"), names = ["storage"]) {
  const certificates = makeCertificates();
  const seen: CallContext[] = [];
  const module = storageModule(
    {
      async getObject(_, context) {
        seen.push(context);
        return {};
      },
    },
    { access: { getObject: rule } },
  );
  const mesh = await startMesh([module], tlsVariables(certificates.issue("storage", names)));
  return { mesh, certificates, seen };
}

function clientOf(mesh: TestMesh, identities: Identities, caller: string, tokens: Tokens = mesh.tokens) {
  const channel = openChannel("storage", mesh.addressOf("storage"), caller, tokens, DEADLINE_MS, undefined, {
    credentials: identities.channel("storage"),
    patienceMs: 300,
    grpc: { "grpc.ssl_target_name_override": "storage" },
  });
  afterTest(() => {
    channel.close();
  });
  return createClient(StorageServiceDefinition, channel);
}

/** The reason a call was refused for, or OK. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return "OK";
  } catch (error) {
    return error instanceof Error && "reason" in error ? error.reason : error;
  }
}

describe("with mutual TLS", () => {
  test("the caller is whom its certificate names", async () => {
    const { mesh, certificates, seen } = await secured();
    const identities = identitiesOf(certificates.issue("upload"));
    const client = clientOf(mesh, identities, "upload");
    await client.getObject({}, scope());
    await client.getObject({}, scope());
    expect(seen.map(({ caller }) => caller)).toEqual(["upload", "upload"]);
  });

  test("another service's certificate is refused, whatever its token says", async () => {
    const { mesh, certificates, seen } = await secured();
    const identities = identitiesOf(certificates.issue("catalog"));
    expect(await outcomeOf(clientOf(mesh, identities, "upload").getObject({}, scope()))).toBe("NOT_PERMITTED");
    expect(await outcomeOf(clientOf(mesh, identities, "catalog").getObject({}, scope()))).toBe("NOT_PERMITTED");
    expect(seen).toEqual([]);
  });

  test("a token chooses among the names of one process of several modules", async () => {
    const { mesh, certificates, seen } = await secured();
    const identities = identitiesOf(certificates.issue("all", ["catalog", "upload"]));
    await clientOf(mesh, identities, "upload").getObject({}, scope());
    expect(await outcomeOf(clientOf(mesh, identities, "gateway").getObject({}, scope()))).toBe("NOT_PERMITTED");
    expect(seen.map(({ caller }) => caller)).toEqual(["upload"]);
  });

  test("a server that is another service gets no call", async () => {
    const { mesh, certificates, seen } = await secured("anybody", ["catalog"]);
    const identities = identitiesOf(certificates.issue("upload"));
    expect(await outcomeOf(clientOf(mesh, identities, "upload").getObject({}, scope()))).toBe("SERVICE_UNAVAILABLE");
    expect(seen).toEqual([]);
  });

  test("a certificate of another authority gets no connection", async () => {
    const { mesh, certificates, seen } = await secured("anybody");
    const identities = identitiesOf(certificates.issue("upload", ["upload"], createAuthority()));
    expect(await outcomeOf(clientOf(mesh, identities, "upload").getObject({}, scope()))).toBe("SERVICE_UNAVAILABLE");
    expect(seen).toEqual([]);
  });

  test("neither does a caller without a certificate, nor one in plaintext", async () => {
    const { mesh, certificates, seen } = await secured("anybody");
    const authority = readFileSync(certificates.issue("upload").authority);
    const same = (bytes: Buffer) => bytes;
    for (const creds of [credentials.createInsecure(), credentials.createSsl(authority)]) {
      const client = new Client(mesh.addressOf("storage"), creds, { "grpc.ssl_target_name_override": "storage" });
      const path = "/reelmesh.storage.v1.StorageService/GetObject";
      const code = await new Promise((resolve) =>
        client.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline: Date.now() + 5_000 }, (error) => {
          resolve(error?.code);
        }),
      );
      client.close();
      expect(code).toBe(14);
    }
    expect(seen).toEqual([]);
  });

  test("nothing older than TLS 1.3 is spoken", async () => {
    const { mesh, certificates } = await secured();
    const files = certificates.issue("upload");
    const [host = "", port] = mesh.addressOf("storage").split(":");
    const socket = connect({
      host,
      port: Number(port),
      ca: readFileSync(files.authority),
      cert: readFileSync(files.certificate),
      key: readFileSync(files.key),
      maxVersion: "TLSv1.2",
      checkServerIdentity: () => undefined,
    });
    const error = await new Promise((resolve) => socket.once("error", resolve));
    expect(error).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
  });
});

describe("a caller's clock", () => {
  test.each([
    ["an hour slow", -6 * TEN_MINUTES_MS],
    ["ten minutes fast", TEN_MINUTES_MS],
  ])("%s breaks no call with mutual TLS", async (_, offMs) => {
    const { mesh, certificates, seen } = await secured();
    const identities = identitiesOf(certificates.issue("upload"));
    const tokens = createTokens(KEYS, () => Date.now() + offMs);
    await clientOf(mesh, identities, "upload", tokens).getObject({}, scope());
    expect(seen).toMatchObject([{ caller: "upload" }]);
  });

  test("ten minutes slow breaks no call in plaintext, however old its token; an hour is told as what it is", async () => {
    const mesh = await startMesh([storageModule({ getObject: async () => ({}) })]);
    const callWith = (tokens: Tokens) => {
      const channel = openChannel("storage", mesh.addressOf("storage"), "upload", tokens);
      afterTest(() => {
        channel.close();
      });
      return createClient(StorageServiceDefinition, channel).getObject({}, scope());
    };
    let offMs = -TEN_MINUTES_MS - TOKEN_KEPT_MS;
    const tokens = createTokens(KEYS, () => Date.now() + offMs);
    await tokens.forService("upload");
    // The token was made almost as long ago as one is kept.
    offMs += TOKEN_KEPT_MS - 30_000;
    await callWith(tokens);
    const error = await rejection(callWith(createTokens(KEYS, () => Date.now() - 6 * TEN_MINUTES_MS)));
    expect(error).toMatchObject({ reason: "TOKEN_INVALID", message: expect.stringContaining("clocks") });
  });
});

test("an altered token is refused with mutual TLS too", async () => {
  const { mesh, certificates, seen } = await secured();
  const identities = identitiesOf(certificates.issue("upload"));
  const tokens = createTokens(createKeys([Buffer.alloc(32, 9)]));
  expect(await outcomeOf(clientOf(mesh, identities, "upload", tokens).getObject({}, scope()))).toBe("TOKEN_INVALID");
  expect(seen).toEqual([]);
});
