import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { appendFile, cp, lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { modules } from "@reelmesh/all/modules.js";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import { SERVICES } from "./support/compose.js";
import { BASE_IMAGE, buildImage, describeWithDocker, docker, imageOf, inspect, ROOT } from "./support/docker.js";

const MEGABYTE = 1_000_000;
const MOST_BYTES = 60 * MEGABYTE;
/** Enough for a service that calls nobody yet: the other end need not be there. */
const STREAMING = [
  ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"],
  ...["--env", "MESH_PLAINTEXT=allow", "--env", "CATALOG_ADDRESS=127.0.0.1:7002"],
  ...["--env", `MESH_SECRET=${Buffer.alloc(32, 7).toString("base64")}`],
];

describeWithDocker("the images", () => {
  const cleanup = createCleanup();
  /** What git knows of as it is now, so that nobody's edit gets into some of the images only. */
  let context: string;
  beforeAll(async () => {
    context = await cleanup.folder();
    await copySources(context);
    for (const service of SERVICES) await buildImage(service, { context });
  });
  afterAll(() => cleanup.run());

  /** Starts a container, removed at the end, and answers its id. */
  async function start(...words: readonly string[]): Promise<string> {
    const container = await docker("run", "--detach", ...words);
    cleanup.add(() => docker("rm", "--force", container));
    return container;
  }
  /** Builds another image, removed at the end, and answers its tag. */
  async function build(service: string, kind: string, args: Readonly<Record<string, string>> = {}): Promise<string> {
    const tag = imageOf(service, `test-${kind}`);
    cleanup.add(() => docker("image", "rm", "--force", tag));
    return buildImage(service, { context, tag, args });
  }
  const shell = (image: string, command: string) =>
    docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-euc", command);
  const sizeOf = async (image: string) => Number(await inspect(image, ".Size"));
  const layersOf = async (image: string) => {
    const layers = await inspect(image, ".RootFS.Layers");
    if (!Array.isArray(layers)) throw new Error(`${image} has no layers`);
    return layers.map(String);
  };

  describe.each(SERVICES)("of %s", (service) => {
    test("adds at most 60 MB to its base, as much as the documentation says", async () => {
      const added = (await sizeOf(imageOf(service))) - (await sizeOf(BASE_IMAGE));
      expect(added).toBeLessThan(MOST_BYTES);
      const documentation = await readFile(join(ROOT, "docs/compose.md"), "utf8");
      const told = Number(new RegExp(`^\\| \`?${service}\`? +\\| +(\\d+) MB`, "m").exec(documentation)?.[1]);
      expect(Math.abs(added / MEGABYTE - told)).toBeLessThan(5);
    });

    test("runs as a user with a number, by a first process that minds the others, and says what it is", async () => {
      const config = await inspect(imageOf(service), ".Config");
      expect(config).toMatchObject({
        User: "1000:1000",
        Entrypoint: ["tini", "--"],
        Cmd: ["node", "service/dist/main.js"],
        Labels: {
          "org.opencontainers.image.title": `reelmesh/${service}`,
          "org.opencontainers.image.licenses": "Apache-2.0",
        },
      });
    });

    test("holds that service alone, compiled, with nothing to compile by, and none of it its own to change", async () => {
      const folders = await shell(imageOf(service), "ls -d services/* gateway 2>/dev/null || true; readlink service");
      const own = service === "gateway" ? "gateway" : `services/${service}`;
      expect(folders.split("\n")).toEqual([own, own]);
      expect(await shell(imageOf(service), "find . -name '*.ts' -o -name typescript -o -name esbuild")).toBe("");
      expect(await shell(imageOf(service), "find . ! -user 0 -o -perm /022 ! -type l")).toBe("");
      expect(await shell(imageOf(service), "command -v ffmpeg || echo none")).toBe("none");
    });

    test("has the command line on its path", async () => {
      expect(await docker("run", "--rm", imageOf(service), "reelmesh", "help")).toContain("Usage: reelmesh");
    });

    test("listens for its network where its module does on loopback", async () => {
      const port = modules.find(({ name }) => name === service)?.port ?? 8080;
      const config = await inspect(imageOf(service), ".Config.Env");
      expect(config).toContain(`${service.toUpperCase().replaceAll("-", "_")}_LISTEN=0.0.0.0:${port}`);
      expect(config).toContain("OPS_LISTEN=0.0.0.0:9090");
    });

    test("refuses to start without its secret, and names what is missing", async () => {
      await expect(docker("run", "--rm", imageOf(service))).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining("MESH_SECRET is missing"),
      });
    });
  });

  test("tell their version and revision", async () => {
    const tag = await build("catalog", "labels", { VERSION: "1.2.3", REVISION: "0123456789ab" });
    expect(await inspect(tag, ".Config.Labels")).toMatchObject({
      "org.opencontainers.image.version": "1.2.3",
      "org.opencontainers.image.revision": "0123456789ab",
    });
    expect(await layersOf(tag)).toEqual(await layersOf(imageOf("catalog")));
  });

  describe("a container", () => {
    test("on a file system that it cannot write becomes healthy, and ends in order when it is told to", async () => {
      const container = await start(...STREAMING, imageOf("streaming"));
      await until(async () => (await inspect(container, ".State.Health.Status")) === "healthy");
      await docker("stop", "--time", "60", container);
      expect(await inspect(container, ".State")).toMatchObject({ ExitCode: 0, OOMKilled: false });
    });

    /** The processes that have ended and that nobody has asked about. */
    const zombies = (container: string) =>
      docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/stat | grep -c ') Z 1 ' || true").then(Number);
    /** Leaves a process behind whose parent is gone, and that ends when its pipe does. */
    const orphan = (container: string) =>
      docker("exec", container, "sh", "-c", "sh -c 'sleep 0.1 & echo $!' > /dev/null; true");

    test("takes in the children that others leave behind, which Node alone does not", async () => {
      const minded = await start(...STREAMING, imageOf("streaming"));
      const alone = await start(...STREAMING, "--entrypoint", "node", imageOf("streaming"), "service/dist/main.js");
      for (const container of [minded, alone]) await orphan(container);
      await until(async () => (await zombies(alone)) === 1);
      // What was left behind in the other is as old by now.
      await until(async () => (await zombies(minded)) === 0);
    });
  });

  describe("an edit", () => {
    const built = async (service: string) => layersOf(await build(service, "edit"));

    test("in a service makes that service's last layer anew, and nothing of another", async () => {
      const [catalog, storage] = [await built("catalog"), await built("storage")];
      await appendFile(join(context, "services/catalog/src/main.ts"), "\nconsole.log('edited');\n");
      const edited = await built("catalog");
      expect(edited.slice(0, -1)).toEqual(catalog.slice(0, -1));
      expect(edited.at(-1)).not.toEqual(catalog.at(-1));
      expect(await built("storage")).toEqual(storage);
    });

    test("in a package makes what is compiled anew, and installs nothing", async () => {
      const catalog = await built("catalog");
      await appendFile(join(context, "packages/mesh/src/version.ts"), '\nexport const EDITED = "yes";\n');
      const edited = await built("catalog");
      expect(edited.slice(0, -2)).toEqual(catalog.slice(0, -2));
      expect(edited.at(-2)).not.toEqual(catalog.at(-2));
    });
  });

  test("can stand on one with ffmpeg", async () => {
    const tag = await build("streaming", "ffmpeg", { RUNTIME: "runtime-ffmpeg" });
    expect(await docker("run", "--rm", tag, "ffmpeg", "-version")).toContain("ffmpeg version");
  });
});

async function copySources(to: string): Promise<void> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await promisify(execFile)("git", list, { cwd: ROOT, maxBuffer: 2 ** 26 });
  for (const file of stdout.split("\0")) {
    // Of what is deleted and not yet committed git still knows.
    const found = await lstat(join(ROOT, file)).catch(() => undefined);
    if (found?.isFile()) await cp(join(ROOT, file), join(to, file));
  }
}
