import { beforeEach, describe, expect, test } from "@jest/globals";
import { defineModule } from "@reelmesh/mesh/module.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { scope, startMesh, type TestMesh } from "../../packages/mesh/test/support/mesh.js";
import { storageModule } from "../../packages/mesh/test/support/storage.js";
import { reelmesh } from "./run.js";

let replicas: readonly TestMesh[];
let upload: TestMesh;
let call: () => Promise<unknown>;
let stream: () => AsyncGenerator;

/** Two replicas of storage whose calls may be harmed, and who calls them, which knows of their operators' ports. */
beforeEach(async () => {
  const storage = () =>
    storageModule({
      getObject: async () => ({}),
      async *readObject(_, { signal }) {
        yield { data: Buffer.from("a") };
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
      },
    });
  const start = () => startMesh([storage()], { MESH_FAULTS: "allow", MESH_MAX_STREAMS: "1" });
  replicas = [await start(), await start()];
  const caller = defineModule({
    name: "upload",
    clients: ["storage"],
    config: () => undefined,
    async start(_, mesh) {
      const client = mesh.client("storage", StorageServiceDefinition);
      call = () => client.getObject({}, scope());
      stream = () => client.readObject({}, scope());
      return {};
    },
  });
  upload = await startMesh([caller], {
    STORAGE_ADDRESS: replicas.map((replica) => replica.addressOf("storage")).join(","),
    MESH_PEERS: replicas.map(({ opsAddress }) => opsAddress).join(","),
  });
});

const ops = () => ["--ops", upload.opsAddress];
const harmed = () => ["--ops", replicas[1]?.opsAddress ?? ""];

/** The figures of upload's calls to storage, as `mesh stat` has them, seen from upload alone. */
async function figures(): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await reelmesh(["mesh", "stat", "--json", "--once", ...ops()]);
  const { edges } = objectOf(JSON.parse(stdout));
  const found = Array.isArray(edges) ? edges.map(objectOf).find(({ caller }) => caller === "upload") : undefined;
  return found ?? {};
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

async function callUntil(holds: (figures: Readonly<Record<string, unknown>>) => boolean) {
  for (;;) {
    for (let calls = 0; calls < 20; calls += 1) await call();
    const now = await figures();
    if (holds(now)) return now;
  }
}

const pageText = async () =>
  (await (await fetch(`http://${upload.opsAddress}/mesh`)).text()).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

describe("what operators see of harm", () => {
  test("a replica that fails is ejected, its calls retried, and the page, stat and check say so", async () => {
    const set = await reelmesh(["mesh", "fault", "set", "--error", "SERVICE_UNAVAILABLE", ...harmed()]);
    expect(set).toMatchObject({ code: 0, stderr: "" });
    const seen = await callUntil(({ ejected }) => ejected === 1);
    expect(seen).toMatchObject({ service: "storage", backends: 2, ejected: 1, success: 1 });
    expect(seen.retries).toBeGreaterThan(0);

    const { stdout } = await reelmesh(["mesh", "stat", "--once", ...ops()]);
    expect(stdout).toMatch(/^upload > storage .* 2 +1$/m);
    const page = await pageText();
    expect(page).toContain("1 ejected");
    expect(page).toContain("1 fault on purpose");
    expect(page).toContain(`upload → storage ${replicas[1]?.addressOf("storage") ?? ""} ejected`);
    const check = await reelmesh(["mesh", "check", ...ops()]);
    expect(check.code).toBe(1);
    expect(check.stdout).toContain(`${replicas[1]?.addressOf("storage") ?? ""} is ejected`);
    expect(check.stdout).toContain("harms calls on purpose: 1 rule");
  });

  test("a replica that is slow is hedged", async () => {
    for (let calls = 0; calls < 120; calls += 1) await call();
    await reelmesh([
      "mesh",
      "fault",
      "set",
      "--method",
      "*/GetObject",
      "--delay",
      "400",
      "--share",
      "0.9",
      ...harmed(),
    ]);
    const seen = await callUntil(({ hedges }) => Number(hedges) > 0);
    expect(seen.success).toBe(1);
    const columns = /upload → storage [\d.,]+ [\d.]+% [\d.]+ m?s [\d.]+ m?s [\d.]+ ([\d.]+) 0 /.exec(await pageText());
    expect(Number(columns?.[1])).toBeGreaterThan(0);
  });

  test("what is shed is counted", async () => {
    const held = [stream(), stream()];
    for (const each of held) await each.next();
    await expect(stream().next()).rejects.toMatchObject({ reason: "OVERLOADED" });
    expect(Number((await figures()).shed)).toBeGreaterThan(0);
    for (const each of held) await each.return(undefined);
  });
});

describe("reelmesh mesh fault", () => {
  const rules = async () => {
    const { stdout } = await reelmesh(["mesh", "fault", "list", "--json", ...harmed()]);
    const answers: unknown = JSON.parse(stdout);
    return Array.isArray(answers) ? answers.map(objectOf).map((answer) => answer.rules)[0] : undefined;
  };

  test("sets the rule of a method anew, beside others, lists and clears them", async () => {
    const set = (...words: string[]) => reelmesh(["mesh", "fault", "set", ...words, ...harmed()]);
    await set("--delay", "5");
    await set("--method", "*/GetObject", "--drop", "--share", "0.25");
    await set("--method", "*/GetObject", "--error", "NO_SPACE", "--share", "0.25", "--delay", "10");
    const getObject = { method: "*/GetObject", error: "NO_SPACE", share: 0.25, delayMs: 10 };
    expect(await rules()).toEqual([{ delayMs: 5 }, getObject]);
    const { stdout } = await reelmesh(["mesh", "fault", "list", ...harmed()]);
    const address = replicas[1]?.opsAddress ?? "";
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      [address, "*", "100%", "wait 5 ms"],
      [address, "*/GetObject", "25%", "wait 10 ms, then fail as NO_SPACE"],
      [""],
    ]);
    await reelmesh(["mesh", "fault", "clear", "--method", "*", ...harmed()]);
    expect(await rules()).toEqual([getObject]);
    expect(await reelmesh(["mesh", "fault", "clear", ...harmed()])).toMatchObject({
      code: 0,
      stdout: `${address}  no calls are harmed\n`,
    });
    expect(await rules()).toEqual([]);
  });

  test("says why where faults are not allowed", async () => {
    expect(await reelmesh(["mesh", "fault", "set", "--drop", ...ops()])).toEqual({
      code: 1,
      stdout: "",
      stderr: `${upload.opsAddress}: calls are not harmed where the process was not started with MESH_FAULTS=allow\n`,
    });
  });

  test.each([
    [["set"], "Give --delay, --error or --drop"],
    [["set", "--share", "2", "--drop"], "--share must be a number from 0 to 1"],
    [["set", "--delay", "-1"], "--delay"],
    [["set", "--delay", "99999999"], "--delay must be a number from 0 to 3600000"],
    [["set", "--error", "NO_SUCH"], "NO_SUCH is no reason"],
    [["clear", "--drop"], "clear takes no --drop"],
    [["list", "--method", "*"], "list takes no --method"],
    [["stop"], "It takes one of set, list, clear"],
    [[], "It takes one of set, list, clear"],
  ])("%j makes no sense, and it says why", async (words, problem) => {
    const { code, stderr } = await reelmesh(["mesh", "fault", ...words]);
    expect(code).toBe(2);
    expect(stderr.split("\n")[0]).toContain(problem);
  });
});
