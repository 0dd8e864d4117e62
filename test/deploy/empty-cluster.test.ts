import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { stringify } from "yaml";
import { createApi } from "../support/api.js";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import { docker } from "./support/docker.js";
import { SERVICES, describeWithKind, forwardIn, run } from "./support/kind.js";
import { readYaml } from "./support/manifests.js";

const CLUSTER = "reelmesh-empty";

describeWithKind("a release, in a cluster that holds nothing", () => {
  const cleanup = createCleanup();
  let registry: string;
  let folder: string;
  /** Where kubectl is to look: nobody else's kubectl looks there too, nor is its present context another one's. */
  let context: readonly string[];
  let reelmesh: readonly string[];
  afterAll(() => cleanup.run());

  beforeAll(async () => {
    folder = await cleanup.folder();
    context = ["--kubeconfig", join(folder, "kubeconfig")];
    reelmesh = [...context, "--namespace", "reelmesh"];
    await createCluster();
    registry = await startRegistry();
    const out = ["--out", folder, "--overlay", "k8s/overlays/dev"];
    await run("npm", ["run", "release", "--", "--registry", registry, ...out, "--network", "host", "--dirty"]);
    cleanup.add(async () => {
      const images = await docker("image", "ls", "--quiet", "--filter", `reference=${registry}/reelmesh/*`);
      if (images !== "") await docker("image", "rm", "--force", ...new Set(images.split("\n")));
    });
  });

  /** The cluster of k8s/kind.yaml under another name, without its ports, beside the one that may be at work. */
  async function createCluster(): Promise<void> {
    const file = join(folder, "kind.yaml");
    await writeFile(
      file,
      stringify({ ...readYaml("k8s/kind.yaml"), name: CLUSTER, nodes: [{ role: "control-plane" }] }),
    );
    await run("kind", ["delete", "cluster", "--name", CLUSTER, ...context]);
    cleanup.add(() => run("kind", ["delete", "cluster", "--name", CLUSTER, ...context]));
    await run("kind", ["create", "cluster", "--config", file, ...context]);
  }

  /** A registry of its own, which the cluster's node knows by the address that this machine has for it. */
  async function startRegistry(): Promise<string> {
    const container = await docker("run", "--detach", "--publish", "127.0.0.1:0:5000", "registry:2");
    cleanup.add(() => docker("rm", "--force", "--volumes", container));
    await docker("network", "connect", "--alias", CLUSTER, "kind", container);
    const [, port = ""] = /:(\d+)$/.exec(await docker("port", container, "5000/tcp")) ?? [];
    const known = `/etc/containerd/certs.d/localhost:${port}`;
    const write = `mkdir -p ${known} && echo '[host."http://${CLUSTER}:5000"]' > ${known}/hosts.toml`;
    await docker("exec", `${CLUSTER}-control-plane`, "sh", "-c", write);
    const answers = () =>
      fetch(`http://localhost:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(answers);
    return `localhost:${port}`;
  }

  test("is pulled from its registry, by its digests, and serves", async () => {
    await run("kubectl", [...context, "apply", "-f", join(folder, "reelmesh.yaml")]);
    for (const kind of ["statefulset", "deployment"]) {
      const parts = ["--timeout=300s", "--selector=app.kubernetes.io/part-of=reelmesh"];
      await run("kubectl", [...reelmesh, "rollout", "status", kind, ...parts]);
    }
    const pinned = (await readFile(join(folder, "images.txt"), "utf8")).trim().split("\n");
    const running = await run("kubectl", [
      ...reelmesh,
      "get",
      "pods",
      "-o",
      "jsonpath={..containerStatuses[*].imageID}",
    ]);
    expect(pinned).toHaveLength(SERVICES.length);
    for (const image of pinned) expect(running.split(" ")).toContain(image);

    const api = createApi(`http://${await forwardIn(reelmesh, "deployment/gateway", 8080, cleanup)}`);
    const film = randomBytes(100_000);
    const { video } = await api.upload(film, { filename: "film.mp4", filetype: "video/mp4" });
    const played = await fetch(await api.mediaOf(video));
    expect(Buffer.from(await played.arrayBuffer()).equals(film)).toBe(true);
  });
});
