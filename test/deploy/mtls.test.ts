import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { join } from "node:path";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import {
  EDGE,
  SERVICES,
  apply,
  describeWithKind,
  kubectl,
  kubectlWith,
  openCluster,
  operatorsPort,
  podsOf,
  run,
} from "./support/kind.js";
import { startLoad } from "./support/load.js";
import { ROOT } from "./support/manifests.js";

const ROTATIONS = 2;
const INTRUDER = "intruder";

describeWithKind("mTLS on kind, by `reelmesh mesh certs`", () => {
  const cleanup = createCleanup();
  let folder: string;

  /** Makes certificates, the first time an authority too, and puts them where the cluster's pods read them. */
  async function certify(names: readonly string[]): Promise<void> {
    await run(process.execPath, [join(ROOT, "cli/bin/reelmesh.js"), "mesh", "certs", "--out", folder, ...names]);
    for (const name of names) {
      const files = ["tls.crt", "tls.key", "ca.crt"].map((file) => `--from-file=${join(folder, name, file)}`);
      const made = await kubectl("create", "secret", "generic", `${name}-tls`, ...files, "--dry-run=client", "-o=yaml");
      await kubectlWith(made, "apply", "--server-side", "-f", "-");
    }
  }

  const daysOf = async (pod: string) => operatorsPort(pod, "/mesh/state");

  beforeAll(async () => {
    folder = await cleanup.folder();
    await openCluster();
    await certify(SERVICES);
    await apply("dev-mtls");
  });
  afterAll(async () => {
    await apply("dev");
    await kubectl("delete", "secret", "--ignore-not-found", ...[...SERVICES, INTRUDER].map((name) => `${name}-tls`));
    await cleanup.run();
  });

  test("certificates change under load without a failed request", async () => {
    const load = await startLoad(EDGE, 20);
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      await certify(SERVICES);
      const since = new Date().toISOString();
      await until(async () => {
        const told = await Promise.all(
          SERVICES.map((service) => kubectl("logs", `deploy/${service}`, `--since-time=${since}`)),
        );
        return told.every((lines) => lines.includes("new certificates are in use"));
      });
      // What follows is answered on connections that begin with the new ones.
      const before = load.requests;
      await until(() => load.requests > before + 100);
    }
    const { failures, uploads } = await load.stop();
    expect(failures).toEqual([]);
    expect(uploads).toBeGreaterThan(0);
    for (const { name } of await podsOf("catalog")) expect(await daysOf(name)).toContain("certificate");
  });

  test("a pod with another identity, though it holds the mesh's secret and a certificate, is refused", async () => {
    await certify([INTRUDER]);
    const parsed: unknown = JSON.parse(await kubectl("get", "deployment/upload", "-o=json"));
    const pod = JSON.stringify(parsed)
      .replaceAll('"upload-tls"', `"${INTRUDER}-tls"`)
      .replaceAll('"app.kubernetes.io/name":"upload"', `"app.kubernetes.io/name":"${INTRUDER}"`)
      .replace(/"name":"upload","namespace"/, `"name":"${INTRUDER}","namespace"`)
      .replace('"env":[', '"env":[{"name":"UPLOAD_SWEEP_SECONDS","value":"1"},')
      .replace(/"resourceVersion":"\d+",|"uid":"[\w-]+",/g, "");
    await kubectlWith(pod, "create", "-f", "-");
    cleanup.add(() => kubectl("delete", "deployment", INTRUDER, "--ignore-not-found"));
    await until(async () => {
      const lines = await kubectl("logs", `deploy/${INTRUDER}`).catch(() => "");
      return lines.includes("your certificate names another service");
    });
  });
});
