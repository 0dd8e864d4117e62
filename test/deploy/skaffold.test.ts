import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import { EDGE, describeWithKind, kubectl, openCluster, run, there } from "./support/kind.js";
import { ROOT } from "./support/manifests.js";

const HEALTHZ = 'send("ok\\n")';
const QUIET = ["--update-check=false", "--interactive=false", "--kube-context=kind-reelmesh"];

/** How often each Deployment's pods were replaced. */
const revisions = () =>
  kubectl(
    "get",
    "deployments",
    "-o",
    'go-template={{range .items}}{{.metadata.name}}={{index .metadata.annotations "deployment.kubernetes.io/revision"}} {{end}}',
  );

describeWithKind(
  "skaffold on kind",
  () => {
    const cleanup = createCleanup();
    let folder: string;
    beforeAll(async () => {
      folder = join(await cleanup.folder(), "reelmesh");
      await run("git", ["clone", "--quiet", ROOT, folder]);
      await openCluster();
    });
    afterAll(() => cleanup.run());

    test("run builds, deploys, and all is ready", async () => {
      await run("skaffold", ["run", ...QUIET], folder);
      expect(await (await fetch(`${EDGE}/healthz`)).text()).toBe("ok\n");
      expect(await kubectl("get", "deployment/catalog", "-o", "jsonpath={..image}")).toMatch(
        /^localhost:5001\/reelmesh_catalog:\w+@sha256:[0-9a-f]{64}$/,
      );
    });

    test("dev serves an edit, and replaces nothing but what it touched", async () => {
      const child = spawn("skaffold", ["dev", ...QUIET, "--cleanup=false", "--port-forward=off"], { cwd: folder });
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (part: string) => (said += part));
      cleanup.add(async () => {
        const gone = once(child, "exit");
        if (child.kill("SIGINT")) await gone;
      });
      const atWork = () => {
        if (child.exitCode !== null) throw new Error(`skaffold has ended: ${said}`);
        return true;
      };
      await until(() => atWork() && said.includes("Watching for changes"));
      const before = await revisions();
      const file = join(folder, "gateway/src/app.ts");
      const source = await readFile(file, "utf8");
      expect(source).toContain(HEALTHZ);
      await writeFile(file, source.replace(HEALTHZ, 'send("edited\\n")'));
      await until(async () => {
        const answer = await fetch(`${EDGE}/healthz`).then(
          (response) => response.text(),
          () => "",
        );
        return atWork() && answer === "edited\n";
      });
      const withoutGateway = (told: string) => told.replace(/gateway=\d+/, "");
      expect(withoutGateway(await revisions())).toBe(withoutGateway(before));
    });
  },
  there("skaffold", "version") ? undefined : "skaffold is not installed",
);
