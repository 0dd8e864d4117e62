import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { chown, readFile } from "node:fs/promises";
import { join } from "node:path";
import { startLoad } from "../../packages/mesh/test/support/load.js";
import { createApi } from "../support/api.js";
import { launchBrowser } from "../support/browser.js";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { dropFile, watchForFailures } from "../support/page.js";
import { until } from "../support/until.js";
import { openProject, type Project } from "./support/compose.js";
import { describeWithDocker, docker, inspect } from "./support/docker.js";

/** What is scaled, to how many. */
const SCALE = { storage: 3, catalog: 2, upload: 2, streaming: 2 } as const;
const REQUESTS_A_SECOND = 40;
const PROJECT = "reelmesh-compose-test";

describeWithDocker("docker compose", () => {
  const cleanup = createCleanup();
  let project: Project;
  let clip: Buffer;
  let video: string;

  const compose = (...words: readonly string[]) => project.compose(...words);
  const up = (...words: readonly string[]) => compose("up", "--detach", "--wait", "--wait-timeout", "180", ...words);
  const scaled = Object.entries(SCALE).flatMap(([service, replicas]) => ["--scale", `${service}=${replicas}`]);

  beforeAll(async () => {
    const file = join(await cleanup.folder(), "clip.mp4");
    await makeClip(file, { seconds: 12, size: "640x360", kbps: 2000 });
    clip = await readFile(file);
    project = await openProject(PROJECT, cleanup);
    await compose("build");
    await up();
  });
  afterAll(() => cleanup.run());

  /** A range of the video as a viewer gets it, which must be the clip's bytes. */
  async function readRange(media: string, from: number, bytes: number): Promise<void> {
    const range = `bytes=${from}-${from + bytes - 1}`;
    const response = await fetch(media, { headers: { range } });
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status !== 206) throw new Error(`${range}: ${response.status} ${body.toString()}`);
    if (!body.equals(clip.subarray(from, from + bytes))) throw new Error(`${range}: other bytes`);
  }

  /** What a viewer asks for, again and again. */
  async function startViewers() {
    const api = createApi(await project.url());
    const media = await api.mediaOf(video);
    let made = 0;
    return startLoad(REQUESTS_A_SECOND, async () => {
      const turn = made++;
      if (turn % 4 === 0) expect((await api.video(video)).name).toBe(video);
      else if (turn % 4 === 1) await api.mediaOf(video);
      else await readRange(media, (turn * 7919) % (clip.length - 100_000), 100_000);
    });
  }

  /** How many calls of a service's own contract a container has answered. */
  async function served(container: string): Promise<number> {
    const read = "fetch('http://127.0.0.1:9090/metrics').then((answer) => answer.text()).then(console.log)";
    const metrics = await docker("exec", container, "node", "-e", read);
    const calls = /^reelmesh_rpc_server_calls_total\{[^}]*method="reelmesh\.[^}]*\} (\d+)$/gm;
    return [...metrics.matchAll(calls)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  test("a clip that is dropped in the browser goes up, is listed, plays and seeks", async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const failures = watchForFailures(page);
      await page.goto(await project.url());
      await dropFile(page, clip, "First film.mp4", "video/mp4");
      await page.locator("li.upload").getByRole("link", { name: "Watch" }).click({ timeout: 60_000 });
      await page.waitForURL(/\/watch\/[A-Za-z0-9]{16}$/);
      await page.locator("video").evaluate((element: HTMLVideoElement) => element.play());
      await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 1);
      await page.locator("video").evaluate((element: HTMLVideoElement) => {
        element.currentTime = 9;
      });
      await page.waitForFunction(() => {
        const element = document.querySelector("video");
        return element !== null && !element.seeking && element.currentTime > 9.2;
      });
      expect(failures()).toEqual([]);
      const [listed] = await createApi(await project.url()).videos();
      expect(listed?.title).toBe("First film");
      video = listed?.name ?? "";
    } finally {
      await browser.close();
    }
  });

  test("the edge is published on loopback, and nothing else is", async () => {
    const published = await docker(
      "ps",
      "--filter",
      `label=com.docker.compose.project=${PROJECT}`,
      "--format",
      "{{.Ports}}",
    );
    expect(published.match(/\S+->\S+/g)).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+->8080\/tcp$/)]);
    expect(await project.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test("scaled out, every replica does its share", async () => {
    await up("--no-recreate", ...scaled);
    const viewers = await startViewers();
    // Each is found by its name, warms up, and takes part.
    for (const [service, replicas] of Object.entries(SCALE)) {
      const containers = await project.containers(service);
      expect(containers).toHaveLength(replicas);
      if (service === "upload") continue;
      const before = await Promise.all(containers.map(served));
      await until(async () => {
        const now = await Promise.all(containers.map(served));
        const made = now.map((count, at) => count - (before[at] ?? 0));
        const sum = made.reduce((total, count) => total + count, 0);
        return sum > 100 && made.every((count) => count > sum / replicas / 4);
      });
    }
    await viewers.stop();
    expect(viewers.failures).toEqual([]);
  });

  test("a container that crashes and others that are restarted or taken away cost no request", async () => {
    const [crashing = "", restarted = ""] = await project.containers("storage");
    const [catalog = ""] = await project.containers("catalog");
    const viewers = await startViewers();
    const goOn = async (requests: number) => {
      const answered = viewers.answered();
      await until(() => viewers.answered() >= answered + requests || viewers.failures.length > 0);
    };
    await goOn(REQUESTS_A_SECOND);
    const healthy = (container: string) =>
      until(async () => (await inspect(container, ".State.Health.Status")) === "healthy");
    // The service's own process, below the first one, as if it had run out of memory.
    await docker("exec", crashing, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)");
    await until(async () => (await inspect(crashing, ".RestartCount")) === 1);
    await healthy(crashing);
    for (const container of [restarted, catalog]) {
      await docker("restart", container);
      await healthy(container);
    }
    await goOn(REQUESTS_A_SECOND);
    await up("--no-recreate", "--scale", "storage=1", "--scale", "catalog=1", "--scale", "upload=1");
    await goOn(REQUESTS_A_SECOND);
    await viewers.stop();
    expect(viewers.failures).toEqual([]);
    expect(await project.containers("storage")).toHaveLength(1);
  });

  test("after down and up everything is there, and goes up and comes back as before", async () => {
    await compose("down");
    expect(await compose("ps", "--all", "--quiet")).toBe("");
    await up();
    const api = createApi(await project.url());
    expect(await api.videos()).toEqual([expect.objectContaining({ name: video, title: "First film" })]);
    const whole = await fetch(await api.mediaOf(video));
    expect(Buffer.from(await whole.arrayBuffer()).equals(clip)).toBe(true);

    const begun = await api.createUpload(clip.length, { filename: "second.mp4", filetype: "video/mp4" });
    expect(await api.patch(begun.location, 0, clip.subarray(0, 100_000))).toBe(100_000);
    expect(await api.patch(begun.location, 100_000, clip.subarray(100_000))).toBe(clip.length);
    await readRange(await api.mediaOf(begun.video), 1000, 50_000);
  });

  test("the command line in the images tells of the whole mesh, and makes tokens", async () => {
    expect(await compose("exec", "--no-TTY", "gateway", "reelmesh", "mesh", "check")).toContain("catalog:9090");
    expect(await compose("exec", "--no-TTY", "catalog", "reelmesh", "token")).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test("one-off work on the running system is done from the same images", async () => {
    const admin = (...words: readonly string[]) =>
      compose("exec", "--no-TTY", "gateway", "reelmesh", "admin", ...words, "--json");
    expect(await admin("migrate")).toContain('"collection":"videos"');
    expect(await admin("reindex")).toContain('"service":"catalog"');
    expect(await admin("sweep", "--dry-run")).toBe("");

    const folder = await cleanup.folder();
    // Whom the images run as.
    await chown(folder, 1000, 1000);
    const once = ["run", "--rm", "--no-TTY", "--volume", `${folder}:/backups`, "gateway", "reelmesh", "admin"];
    expect(await compose(...once, "backup", "--out", "/backups/today")).toContain("2 objects");
    expect(JSON.parse(await readFile(join(folder, "today/manifest.json"), "utf8"))).toMatchObject({ format: 1 });
    await expect(compose(...once, "restore", "--from", "/backups/today")).rejects.toThrow(
      "restore into an empty system",
    );
  });
});
