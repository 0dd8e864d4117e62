import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createApi } from "../support/api.js";
import { launchBrowser } from "../support/browser.js";
import { testWith } from "../support/commands.js";
import { createCleanup } from "../support/cleanup.js";
import { makeClip } from "../support/clip.js";
import { dropFile, watchForFailures } from "../support/page.js";
import { until } from "../support/until.js";
import {
  EDGE,
  SERVICES,
  apply,
  describeWithKind,
  forward,
  kubectl,
  kubectlWith,
  openCluster,
  operatorsPort,
  podsOf,
  run,
  settled,
  there,
} from "./support/kind.js";
import { kind, render } from "./support/manifests.js";
import { writeSchemas } from "./support/schemas.js";

/** Kinds that a cluster has only where somebody installed them. */
const NOT_HERE = ["Certificate", "Issuer", "PodMonitor"];
const OVERLAYS = ["dev", "dev-mtls", "debug", "prod"];

describeWithKind("on kind", () => {
  const cleanup = createCleanup();
  beforeAll(async () => {
    await openCluster();
    await apply("dev");
  });
  afterAll(() => cleanup.run());

  test.each(OVERLAYS)("the API server takes all of the overlay %s", async (overlay) => {
    const objects = render(`overlays/${overlay}`).filter((object) => !NOT_HERE.includes(kind(object)));
    const given = objects.map((object) => JSON.stringify(object)).join("\n---\n");
    const told = await kubectlWith(given, "apply", "--dry-run=server", "--validate=strict", "-f", "-");
    expect(told.split("\n").length).toBeGreaterThanOrEqual(objects.length);
    expect(told).not.toMatch(/warning|violate|deprecated/i);
  });

  testWith("kubeconform", "the overlays hold to the cluster's own schemas, strictly", async () => {
    const folder = await cleanup.folder();
    await writeSchemas(await kubectl("get", "--raw", "/openapi/v2"), folder);
    for (const overlay of OVERLAYS) {
      const file = join(folder, `${overlay}.yaml`);
      await writeFile(file, await run("kubectl", ["kustomize", `k8s/overlays/${overlay}`]));
      const schemas = ["-schema-location", `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`];
      const told = await run("kubeconform", ["-strict", "-summary", "-skip", NOT_HERE.join(), ...schemas, file]);
      expect(told).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0/);
    }
  });

  test("applied again, nothing starts anew", async () => {
    const before = await podsOf(...SERVICES);
    await apply("dev");
    expect(await podsOf(...SERVICES)).toEqual(before);
  });

  test("the browser uploads, plays and seeks through the edge", async () => {
    const browser = await launchBrowser();
    cleanup.add(() => browser.close());
    const file = join(await cleanup.folder(), "Film.mp4");
    await makeClip(file, { seconds: 6 });
    const page = await browser.newPage();
    const failures = watchForFailures(page);
    await page.goto(EDGE);
    await dropFile(page, await readFile(file), "Film.mp4", "video/mp4");
    await page.locator("li.upload").getByRole("link", { name: "Watch" }).click();
    await page.waitForURL(/\/watch\/[A-Za-z0-9]{16}$/);
    const video = page.locator("video");
    await video.evaluate((element: HTMLVideoElement) => element.play());
    await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 1);
    await video.evaluate((element: HTMLVideoElement) => {
      element.currentTime = 5;
    });
    await page.waitForFunction(() => {
      const element = document.querySelector("video");
      return element !== null && !element.seeking && element.currentTime >= 5;
    });
    expect(failures()).toEqual([]);
    await createApi(EDGE).json("DELETE", `/api/v1/videos/${page.url().split("/").pop() ?? ""}`);
  });

  test("storage, scaled from 1 to 3, is used on all three", async () => {
    const api = createApi(EDGE);
    const { video } = await api.upload(Buffer.alloc(64 * 1024, 7), { filename: "film.mp4", filetype: "video/mp4" });
    await kubectl("scale", "deployment/storage", "--replicas=3");
    cleanup.add(() => kubectl("scale", "deployment/storage", "--replicas=1"));
    await settled();
    const media = await api.mediaOf(video);
    const used = async (pod: string) =>
      (await operatorsPort(pod, "/metrics"))
        .split("\n")
        .some((line) =>
          /^reelmesh_rpc_server_calls_total\{.*caller="gateway".*StorageService\/ReadObject".*\} [1-9]/.test(line),
        );
    const pods = await podsOf("storage");
    expect(pods).toHaveLength(3);
    await until(async () => {
      // Each a byte of its own, so that none is answered from what the edge remembers.
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const from = Math.floor(Math.random() * 60_000);
          const response = await fetch(media, { headers: { range: `bytes=${from}-${from + 99}` } });
          expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.alloc(100, 7));
        }),
      );
      const answers = await Promise.all(pods.map(({ name }) => used(name)));
      return answers.every((answer) => answer);
    });
  });

  const grpcurl = there("grpcurl", "-version") || process.env.CI === "true";
  (grpcurl ? test : test.skip)("grpcurl reaches a service through kubectl port-forward", async () => {
    const address = await forward("service/catalog", 7002, cleanup);
    const call = (...words: readonly string[]) => run("grpcurl", ["-plaintext", address, ...words]);
    expect(await call("list")).toContain("reelmesh.catalog.v1.CatalogService");
    expect(await call("grpc.health.v1.Health/Check")).toContain("SERVING");
  });

  test("what an operator asks, each process answers", async () => {
    const told = await kubectl("exec", "deploy/gateway", "--", "reelmesh", "mesh", "graph");
    expect(told).toContain("catalog");
    const migrated = await kubectl("exec", "deploy/gateway", "--", "reelmesh", "admin", "migrate");
    expect(migrated).toContain("catalog videos");
  });
});
