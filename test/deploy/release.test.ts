import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { VERSION } from "@reelmesh/mesh/version.js";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import { SERVICES } from "./support/compose.js";
import { describeWithDocker, docker, inspect, ROOT } from "./support/docker.js";

const run = promisify(execFile);
const cleanup = createCleanup();
afterAll(() => cleanup.run());

describeWithDocker("a release", () => {
  let registry: string;
  let manifests: string;
  const digests = new Map<string, string>();

  beforeAll(async () => {
    const container = await docker("run", "--detach", "--publish", "127.0.0.1:0:5000", "registry:2");
    cleanup.add(() => docker("rm", "--force", "--volumes", container));
    const [, port = ""] = /:(\d+)$/.exec(await docker("port", container, "5000/tcp")) ?? [];
    registry = `localhost:${port}`;
    await until(() =>
      fetch(`http://${registry}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    const out = await cleanup.folder();
    cleanup.add(async () => {
      const images = await docker("image", "ls", "--quiet", "--filter", `reference=${registry}/reelmesh/*`);
      if (images !== "") await docker("image", "rm", "--force", ...new Set(images.split("\n")));
    });
    const options = ["--registry", registry, "--out", out, "--network", "host", "--dirty"];
    await run("npm", ["run", "release", "--", ...options], { cwd: ROOT, maxBuffer: 2 ** 26 });
    manifests = await readFile(join(out, "reelmesh.yaml"), "utf8");
    for (const pinned of (await readFile(join(out, "images.txt"), "utf8")).trim().split("\n")) {
      const [, service = "", digest = ""] = /\/reelmesh\/([\w-]+)@(sha256:[0-9a-f]{64})$/.exec(pinned) ?? [];
      digests.set(service, digest);
    }
  });

  test("holds every service, under its version and its commit", async () => {
    expect([...digests.keys()].sort()).toEqual([...SERVICES].sort());
    const { stdout: revision } = await run("git", ["rev-parse", "HEAD"], { cwd: ROOT });
    for (const [service, digest] of digests) {
      const list = await fetch(`http://${registry}/v2/reelmesh/${service}/tags/list`);
      expect(await list.json()).toEqual({
        name: `reelmesh/${service}`,
        tags: expect.arrayContaining([VERSION, expect.stringContaining(revision.trim())]),
      });
      const manifest = await fetch(`http://${registry}/v2/reelmesh/${service}/manifests/${VERSION}`, {
        headers: { accept: "application/vnd.docker.distribution.manifest.v2+json" },
      });
      expect(manifest.headers.get("docker-content-digest")).toBe(digest);
    }
  });

  test("renders manifests that name each image by its digest, and no other", () => {
    const images = [...manifests.matchAll(/^\s+(?:- )?image: (\S+)$/gm)].map(([, image]) => image);
    const pinned = [...digests].map(([service, digest]) => `${registry}/reelmesh/${service}@${digest}`);
    expect([...new Set(images)].sort()).toEqual(pinned.sort());
  });

  test("is pulled from the registry and runs", async () => {
    const image = `${registry}/reelmesh/catalog`;
    await docker("image", "rm", "--force", ...(await docker("image", "ls", "--quiet", image)).split("\n").slice(0, 1));
    const pinned = `${image}@${digests.get("catalog") ?? ""}`;
    await docker("pull", pinned);
    expect(await docker("run", "--rm", pinned, "reelmesh", "help")).toContain("Usage: reelmesh");
    expect(await inspect(pinned, ".Config.Labels")).toMatchObject({
      "org.opencontainers.image.version": VERSION,
      "org.opencontainers.image.revision": expect.stringMatching(/^[0-9a-f]{40}(-dirty)?$/),
    });
  });
});

test("what no commit holds is not released, unless asked for", async () => {
  const clone = await cleanup.folder();
  await run("git", ["clone", "--quiet", ROOT, clone]);
  await writeFile(join(clone, "unfinished.txt"), "");
  const release = run(process.execPath, ["scripts/release.mjs", "--registry", "localhost:1"], { cwd: clone });
  await expect(release).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("unfinished.txt") });
});

test("without a registry it says what it takes", async () => {
  const release = run(process.execPath, ["scripts/release.mjs"], { cwd: ROOT });
  await expect(release).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("--registry HOST") });
});
