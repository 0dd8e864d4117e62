import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Client as GrpcClient, Metadata, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { ErrorInfo, Status } from "@reelmesh/proto/reelmesh/mesh/v1/status.js";
import { DomainError, ERRORS, isDomainError, isReason } from "../src/errors.js";
import { fromStatus, toStatus } from "../src/status.js";
import { createRawCaller } from "../src/client.js";
import { afterTest, channelTo, scope, startMesh, storageClient, type TestMesh } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection } from "./support/until.js";

const INTERNAL = "Something went wrong on our side.";

/** A mesh whose GetObject throws what it is told to. */
function throwing(thrown: unknown): Promise<TestMesh> {
  const work = async (): Promise<never> => {
    await Promise.resolve();
    throw thrown;
  };
  return startMesh([storageModule({ getObject: work, readObject: thenThrow(thrown) })]);
}

function thenThrow(thrown: unknown) {
  return async function* () {
    yield { data: Buffer.from("first") };
    await Promise.resolve();
    throw thrown;
  };
}

/** What a gRPC client of no mesh is told. */
async function plainCall(mesh: TestMesh, path: string, request = Buffer.alloc(0)): Promise<ServiceError> {
  const client = new GrpcClient(mesh.addressOf("storage"), credentials.createInsecure());
  afterTest(() => {
    client.close();
  });
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, (error) => {
      if (error) resolve(error);
      else reject(new Error("It succeeded"));
    });
  });
}

const GET_OBJECT = "/reelmesh.storage.v1.StorageService/GetObject";

describe("what a handler throws", () => {
  test("as a DomainError arrives as one, reason and metadata whole", async () => {
    const mesh = await throwing(new DomainError("TOO_LARGE", { resource: "objects/ä", limit_bytes: "5" }));
    const call = storageClient(mesh).getObject({}, scope());
    const error = await rejection(call);
    expect(isDomainError(error, "TOO_LARGE")).toBe(true);
    expect(error).toMatchObject({
      reason: "TOO_LARGE",
      code: status.INVALID_ARGUMENT,
      metadata: { resource: "objects/ä", limit_bytes: "5" },
      message: "objects/ä is too large: the limit is 5 bytes.",
    });
  });

  test("after the first message of a stream arrives too", async () => {
    const mesh = await throwing(new DomainError("OBJECT_DAMAGED", { resource: "a", problem: "it is short" }));
    const messages = storageClient(mesh).readObject({}, scope());
    await expect(messages.next()).resolves.toMatchObject({ value: { data: Buffer.from("first") } });
    expect(await rejection(messages.next())).toMatchObject({ reason: "OBJECT_DAMAGED" });
  });

  test.each([
    ["an error nobody foresaw", new RangeError("password=1234"), "password=1234"],
    ["a text", "password=1234", "Threw what is no error: 'password=1234'"],
    ["nothing", undefined, "Threw what is no error: undefined"],
    ["an object", { reason: "INVALID_FIELD" }, "Threw what is no error: { reason: 'INVALID_FIELD' }"],
  ])("as %s leaves as INTERNAL with fixed text, its stack in the log alone", async (_, thrown, message) => {
    const mesh = await throwing(thrown);
    const error = await plainCall(mesh, GET_OBJECT);
    expect(error).toMatchObject({ code: status.INTERNAL, details: INTERNAL });
    expect(JSON.stringify(error.metadata)).not.toContain("1234");
    expect(mesh.calls()).toEqual([
      expect.objectContaining({
        level: "error",
        status: "INTERNAL",
        reason: "INTERNAL",
        err: expect.objectContaining({ message, stack: expect.stringMatching(/Error: .*\n +at /) }),
      }),
    ]);
  });

  test("at once, without a promise, is no different", async () => {
    const mesh = await startMesh([
      storageModule({
        getObject() {
          throw new Error("at once");
        },
      }),
    ]);
    expect(await rejection(storageClient(mesh).getObject({}, scope()))).toMatchObject({ reason: "INTERNAL" });
  });

  test("as a client's error of another service goes on with its reason, its cause in the log alone", async () => {
    const cause = new Error("connect ECONNREFUSED 10.1.2.3:7002");
    const silent = Object.assign(new DomainError("SERVICE_UNAVAILABLE", { service: "catalog" }), { cause });
    const mesh = await throwing(silent);
    const error = await plainCall(mesh, GET_OBJECT);
    expect(error).toMatchObject({ code: status.UNAVAILABLE });
    expect(JSON.stringify([error.details, error.metadata])).not.toContain("10.1.2.3");
    expect(mesh.calls()).toEqual([
      expect.objectContaining({ level: "warn", err: expect.objectContaining({ message: cause.message }) }),
    ]);
  });
});

describe("what a caller gets wrong", () => {
  test("an unknown method is UNIMPLEMENTED", async () => {
    const mesh = await startMesh([storageModule({})]);
    const call = createRawCaller(channelTo(mesh));
    const unknown = call("/reelmesh.storage.v1.StorageService/Nothing", Buffer.alloc(0), scope());
    expect(await rejection(unknown)).toMatchObject({ reason: "UNIMPLEMENTED" });
  });

  test.each([
    ["random bytes", Buffer.from("ff".repeat(40), "hex")],
    ["a length beyond the end", Buffer.from("0a7f41", "hex")],
    ["a wire type that does not exist", Buffer.from("0f01", "hex")],
  ])("%s for a request is INVALID_FIELD", async (_, garbage) => {
    const mesh = await startMesh([storageModule({ getObject: async () => ({}), stageBlock: async () => ({}) })]);
    const call = createRawCaller(channelTo(mesh));
    for (const method of ["GetObject", "StageBlock"]) {
      const answer = call(`/reelmesh.storage.v1.StorageService/${method}`, garbage, scope());
      expect(await rejection(answer)).toMatchObject({ reason: "INVALID_FIELD", metadata: { field: "request" } });
    }
  });

  test("a service that is not there is SERVICE_UNAVAILABLE, and its address stays out of the message", async () => {
    const mesh = await startMesh([storageModule({})]);
    const client = storageClient(mesh);
    const address = mesh.addressOf("storage");
    await mesh.stop();
    const error = await rejection(client.getObject({}, scope()));
    if (!isDomainError(error, "SERVICE_UNAVAILABLE")) throw error;
    expect(error.metadata).toEqual({ service: "storage" });
    expect(error.message).not.toContain(address);
    // It is kept for the log.
    expect(error.cause).toMatchObject({ details: expect.stringContaining(address) });
  });
});

describe("an error on the wire", () => {
  test("is google.rpc.Status with ErrorInfo", async () => {
    const mesh = await throwing(new DomainError("RESOURCE_NOT_FOUND", { resource: "videos/abc" }));
    const error = await plainCall(mesh, GET_OBJECT);
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: "videos/abc was not found." });
    const [packed] = error.metadata.get("grpc-status-details-bin");
    if (!Buffer.isBuffer(packed)) throw new Error("There are no details");
    const { code, message, details } = Status.decode(packed);
    expect({ code, message }).toEqual({ code: 5, message: "videos/abc was not found." });
    expect(details.map(({ typeUrl }) => typeUrl)).toEqual(["type.googleapis.com/google.rpc.ErrorInfo"]);
    expect(details.map(({ value }) => ErrorInfo.decode(value))).toEqual([
      { reason: "RESOURCE_NOT_FOUND", domain: "reelmesh", metadata: { resource: "videos/abc" } },
    ]);
  });

  test.each([
    ["letters", "x".repeat(100_000)],
    ["characters of three bytes", "語".repeat(100_000)],
    ["surrogate pairs", `a${"😀".repeat(100_000)}`],
    ["halves of surrogate pairs", "\uD83D".repeat(100_000)],
    ["line breaks", "\r\n".repeat(100_000)],
    ["percent signs", "%".repeat(100_000)],
  ])("with too long a metadata of %s arrives, cut", async (_, value) => {
    const mesh = await throwing(new DomainError("INVALID_FIELD", { field: value, problem: value }));
    const error = await plainCall(mesh, GET_OBJECT);
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(fromStatus(error, "storage")).toMatchObject({ reason: "INVALID_FIELD" });
  });

  test("stays under 8 KB whatever its metadata", () => {
    const metadata = fc.dictionary(fc.string({ maxLength: 100 }), fc.string({ unit: "binary", maxLength: 3000 }), {
      maxKeys: 60,
    });
    fc.assert(
      fc.property(metadata, (given) => {
        const { metadata: trailers, details } = toStatus(
          new DomainError("INVALID_FIELD", { field: "f", problem: "p", ...given }),
        );
        const [packed] = trailers.get("grpc-status-details-bin");
        expect(packed?.length).toBeLessThan(8 * 1024);
        // grpc-js puts the text in a header like this, and fails the process where that throws.
        expect(encodeURI(details).length).toBeLessThan(8 * 1024);
      }),
      { numRuns: 200 },
    );
  });

  test("with a hundred long values arrives with as many as fit", async () => {
    const values = Array.from({ length: 100 }, (_, index) => [`key${index}`, "語".repeat(1_000)] as const);
    const metadata: Record<string, string> = Object.fromEntries(values);
    const mesh = await throwing(new DomainError("INVALID_FIELD", { field: "f", problem: "p", ...metadata }));
    const error = await plainCall(mesh, GET_OBJECT);
    expect(error.metadata.get("grpc-status-details-bin")[0]?.length).toBeLessThan(8 * 1024);
    expect(fromStatus(error, "storage")).toMatchObject({ metadata: { field: "f", problem: "p" } });
  });

  test("with details of no service of ours counts by its status", () => {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from("ff".repeat(20), "hex"));
    const foreign = Object.assign(new Error("x"), { code: status.UNAVAILABLE, details: "x", metadata });
    expect(fromStatus(foreign, "storage")).toMatchObject({ reason: "SERVICE_UNAVAILABLE", cause: foreign });
  });
});

describe("the table of errors", () => {
  test.each(Object.entries(ERRORS))("%s has a constant name, a failing status and a sentence", (reason, entry) => {
    expect(reason).toMatch(/^[A-Z][A-Z_]{2,62}$/);
    expect(isReason(reason)).toBe(true);
    expect(entry.code).not.toBe(status.OK);
    expect(entry.message).toMatch(/[.}]$/);
  });

  test("names nothing that every object has", () => {
    expect(isReason("constructor")).toBe(false);
  });

  test("isDomainError tells one reason from another", () => {
    const error = new DomainError("NO_SPACE");
    expect(isDomainError(error)).toBe(true);
    expect(isDomainError(error, "INTERNAL", "NO_SPACE")).toBe(true);
    expect(isDomainError(error, "INTERNAL")).toBe(false);
    expect(isDomainError(Object.assign(new Error("x"), { reason: "NO_SPACE" }))).toBe(false);
    expect(isDomainError(undefined)).toBe(false);
  });
});
