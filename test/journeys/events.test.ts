import { afterEach, describe, expect, test } from "@jest/globals";
import { modules } from "@reelmesh/all/modules.js";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";
import { randomBytes } from "node:crypto";
import { startProxy, type Proxy } from "../../gateway/test/support/proxy.js";
import { createApi, type Api } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { startEdgeProcess } from "../support/edge-process.js";
import { followLibrary } from "../support/followed-library.js";
import { FREE_PORTS, startWholeMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const broker = process.env.TEST_AMQP_URL;
const cleanup = createCleanup();
afterEach(() => cleanup.run());

if (broker !== undefined) {
  describe("events through RabbitMQ", () => {
    journeys(broker);
  });
} else if (process.env.CI === "true") {
  test("events through RabbitMQ", () => {
    throw new Error("TEST_AMQP_URL is not set.");
  });
} else {
  test.skip("events through RabbitMQ (skipped: TEST_AMQP_URL is not set)", () => undefined);
}

const ABOUT = { filename: "a.mp4", filetype: "video/mp4" };

const upload = async (api: Api, title: string, visibility = "PRIVATE") =>
  (await api.upload(Buffer.from(title), { ...ABOUT, title, visibility })).video;

async function titlesIn(api: Api): Promise<ReadonlyMap<string, unknown>> {
  return new Map((await api.videos()).map(({ name, title }) => [name, title]));
}

/** The sum of a metric over its labels. */
async function metric({ opsAddress }: RunningMesh, name: string): Promise<number> {
  const text = await (await fetch(`http://${opsAddress}/metrics`)).text();
  const values = text.matchAll(new RegExp(`^reelmesh_${name}(?:\\{.*\\})? (\\d+)$`, "gm"));
  return Array.from(values, ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0);
}

const isReady = async ({ opsAddress }: RunningMesh) => (await fetch(`http://${opsAddress}/readyz`)).ok;

function journeys(url: string): void {
  /** A line to the broker. */
  async function startLine(): Promise<{ line: Proxy; variables: Readonly<Record<string, string>> }> {
    const target = new URL(url);
    const line = await startProxy(target.host);
    cleanup.add(() => line.stop());
    target.host = line.address;
    return { line, variables: { AMQP_URL: target.href } };
  }

  /** Everything in this process, but with a broker between its parts. */
  async function startMesh(catchUpSeconds: string) {
    const { line, variables } = await startLine();
    const secret = { MESH_SECRET: randomBytes(32).toString("base64") };
    const common = { ...FREE_PORTS, ...secret, GATEWAY_CATCH_UP_SECONDS: catchUpSeconds };
    const mesh = await startWholeMesh({ ...common, ...variables, REELMESH_DATA: await cleanup.folder() });
    cleanup.add(() => mesh.stop());
    const edge: Record<string, string> = { ...common };
    for (const name of ["catalog", "upload", "streaming", "storage"])
      edge[`${name.toUpperCase()}_ADDRESS`] = mesh.addressOf(name);
    return { mesh, line, api: createApi(mesh.url), edge };
  }

  /** Another edge of the same mesh, with a line of its own to the broker. */
  async function startEdge(variables: Readonly<Record<string, string>>) {
    const own = await startLine();
    const gateway = modules.filter(({ name }) => name === "gateway");
    const edge = await startModules(gateway, { ...variables, ...own.variables });
    cleanup.add(() => edge.stop());
    return { edge, line: own.line, url: `http://${edge.addressOf("gateway")}` };
  }

  test("reach every edge, which tells its pages and forgets who could see a video", async () => {
    const { mesh, api, edge } = await startMesh("3600");
    const others = [await startEdge(edge), await startEdge(edge)];
    const all = [mesh, ...others.map((other) => other.edge)];
    for (const one of all) await until(async () => (await metric(one, "events_connected")) > 0);
    const urls = [mesh.url, ...others.map((other) => other.url)];
    const pages = urls.map((where) => followLibrary([where], cleanup));
    await until(() => pages.every((page) => page.connections() === 1));

    const video = await upload(api, "Shown", "PUBLIC");
    await until(() => pages.every((page) => page.titles().get(video) === "Shown"));
    const media = await Promise.all(urls.map((where) => createApi(where).mediaOf(video)));
    for (const each of media) expect((await fetch(each)).status).toBe(200);
    await api.json("PATCH", `/api/v1/${video}?updateMask=visibility`, { visibility: "PRIVATE" });
    for (const each of media) await until(async () => (await fetch(each)).status === 404);
  }, 60_000);

  test("are missed by nobody for long while the broker is away, and flow again when it is back", async () => {
    const { mesh, line, api, edge } = await startMesh("1");
    const other = await startEdge(edge);
    const both = [mesh, other.edge];
    for (const one of both) await until(async () => (await metric(one, "events_connected")) > 0);
    const page = followLibrary([other.url], cleanup);
    const kept = await upload(api, "Kept");
    const deleted = await upload(api, "Deleted");
    await until(() => page.titles().size === 2);

    const lines = [line, other.line];
    for (const each of lines) each.cut();
    for (const one of both) await until(async () => (await metric(one, "events_connected")) === 0);
    const added = await upload(api, "Added");
    await api.json("PATCH", `/api/v1/${kept}?updateMask=title`, { title: "Renamed" });
    await api.json("DELETE", `/api/v1/${deleted}`);
    expect(await (await fetch(await createApi(other.url).mediaOf(added))).text()).toBe("Added");
    for (const one of both) expect(await isReady(one)).toBe(true);
    const now = new Map([
      [added, "Added"],
      [kept, "Renamed"],
    ]);
    await until(() => same(page.titles(), now));
    expect(await titlesIn(api)).toEqual(now);

    const heard = await metric(other.edge, "events_delivered_total");
    for (const each of lines) each.mend();
    for (const one of both) await until(async () => (await metric(one, "events_connected")) > 0);
    // What was sent before the other edge listens again is not for it: only what is sent after.
    await until(async () => {
      await api.json("PATCH", `/api/v1/${kept}?updateMask=title`, { title: "Heard" });
      return (await metric(other.edge, "events_delivered_total")) > heard;
    });
    const again = await upload(api, "Again");
    await until(() => page.titles().get(again) === "Again");
    expect(page.connections()).toBe(1);
  }, 60_000);

  test("do their work though those who hear them are killed at random", async () => {
    const { mesh, line, api, edge } = await startMesh("1");
    const variables = { ...edge, AMQP_URL: url };
    const edges = [await startEdgeProcess(variables, cleanup), await startEdgeProcess(variables, cleanup)];
    const pages = [
      followLibrary([edges[0]?.url ?? "", edges[1]?.url ?? ""], cleanup),
      followLibrary([edges[1]?.url ?? "", mesh.url], cleanup),
      followLibrary([mesh.url], cleanup),
    ];
    const random = () => Math.floor(Math.random() * 4);
    const disturb = async () => {
      const edgeToKill = edges[random()];
      if (edgeToKill) {
        await edgeToKill.kill();
        await edgeToKill.start();
      } else {
        line.cut();
        line.mend();
      }
    };

    for (let round = 0; round < 8; round++) {
      const disturbing = disturb();
      const video = await upload(api, `Film ${round}`);
      if (round % 2 === 0) await api.json("PATCH", `/api/v1/${video}?updateMask=title`, { title: `Cut ${round}` });
      if (round % 4 === 3) await api.json("DELETE", `/api/v1/${video}`);
      await disturbing;
    }
    const truth = await titlesIn(api);
    expect(truth.size).toBe(6);
    await until(() => pages.every((page) => same(page.titles(), truth)));
  }, 90_000);
}

function same(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  return one.size === other.size && [...one].every(([name, title]) => other.get(name) === title);
}
