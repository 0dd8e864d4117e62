import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { openChannel } from "../src/channel.js";
import { createClient } from "../src/client.js";
import { createKeys } from "../src/secret.js";
import { createTokens } from "../src/tokens.js";
import { afterTest, scope, SECRET } from "./support/mesh.js";
import { buildProgram, runProgram } from "./support/process.js";
import { rejection, until } from "./support/until.js";

let program: Awaited<ReturnType<typeof buildProgram>>;

beforeAll(async () => {
  program = await buildProgram("program.ts");
});

afterAll(async () => {
  await program.remove();
});

function clientAt(address: string) {
  const tokens = createTokens(createKeys([Buffer.from(SECRET, "base64")]));
  const channel = openChannel("storage", address, "tester", tokens);
  afterTest(() => {
    channel.close();
  });
  return createClient(StorageServiceDefinition, channel);
}

describe("a process", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("ends with code 0 after %s, its modules stopped", async (signal) => {
    const child = runProgram(program.file, "serves");
    await child.ready();
    child.kill(signal);
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(child.stdout()).toContain("stopped worker");
    expect(child.stderr()).toBe("");
  });

  test("ends at once at the second signal", async () => {
    const child = runProgram(program.file, "hangs");
    await child.ready();
    child.kill("SIGTERM");
    await until(() => child.stdout().includes("stopped worker"));
    child.kill("SIGINT");
    expect(await child.ended).toEqual({ code: 1, signal: null });
  });

  test("ends with code 1 and the reason when a module fails", async () => {
    const child = runProgram(program.file, "fails");
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.stderr()).toBe("worker failed: the lock is lost\n");
    expect(child.stdout()).toContain("stopped worker");
  });

  test.each(["rejects", "throws"])("ends with code 1 and the reason when nobody catches what it %s", async (task) => {
    const child = runProgram(program.file, task);
    const client = clientAt(await child.ready());
    await client.getObject({}, scope()).catch(() => undefined);
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.stderr()).toBe("An error that nothing caught: nobody looked\n");
    expect(child.stdout()).toMatch(/"stack":"[^"]*program/);
    expect(child.stdout()).toContain("stopped worker");
  });

  test("ends with code 1 and the whole reason when a module cannot start", async () => {
    const child = runProgram(program.file, "cannot start");
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.stderr()).toBe("worker cannot start: no store: connection refused\n");
    expect(child.stdout()).not.toContain("ready");
  });

  test("ends with code 1 and every fault of its configuration, secrets not among them", async () => {
    const child = runProgram(program.file, "serves", {
      STORAGE_LISTEN: "nowhere",
      OPS_PORT: "70000",
      LOG_LEVEL: "loud",
      MESH_DRAIN_MS: "-1",
      MESH_SECRET: "too-short-to-be-safe",
    });
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.stderr().split("\n")).toEqual([
      "The configuration cannot be used:",
      '  LOG_LEVEL="loud": give one of debug, info, warn, error, silent',
      '  STORAGE_LISTEN="nowhere": give host:port with a port from 0 to 65535, such as 127.0.0.1:7002',
      '  OPS_PORT="70000": give a whole number from 0 to 65535',
      '  MESH_DRAIN_MS="-1": give a whole number from 0 to 3600000',
      "  MESH_SECRET is missing or unusable: give one or two secrets, each 32 bytes or more as base64 or hexadecimal",
      "",
    ]);
    expect(child.stdout()).toBe("");
  });

  test("that is killed makes its readers' streams reject, never end", async () => {
    const child = runProgram(program.file, "serves");
    const messages = clientAt(await child.ready()).readObject({}, scope());
    expect((await messages.next()).value).toMatchObject({ data: Buffer.from("first") });
    child.kill("SIGKILL");
    expect(await rejection(messages.next())).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  });
});
