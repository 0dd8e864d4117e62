import { describe } from "@jest/globals";
import { modules } from "@reelmesh/all/modules.js";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Cleanup } from "../../support/cleanup.js";
import { until } from "../../support/until.js";
import { ROOT } from "./manifests.js";
import { CLUSTER_IS_OURS, IMAGES_ARE_THERE } from "./teardown.js";

const execute = promisify(execFile);

/** Where the edge of the overlay dev is on this machine. */
export const EDGE = "http://localhost:8080";
export const SERVICES: readonly string[] = modules.map(({ name }) => name);

/** Where kubectl is to look. */
const HERE = ["--context", "kind-reelmesh", "--namespace", "reelmesh"];

const missing = process.env.CI === "true" ? undefined : whyNoCluster();

/** A suite that needs kind; it is skipped in plain sight where kind, kubectl or a Docker engine is missing. */
export function describeWithKind(name: string, suite: () => void, also?: string): void {
  const reason = missing ?? also;
  if (reason === undefined) describe(name, suite);
  else describe.skip(`${name} (skipped: ${reason})`, suite);
}

/** Runs a program and answers its output. @throws Error with what it said on stderr. */
export async function run(program: string, words: readonly string[], cwd = ROOT): Promise<string> {
  const { stdout } = await execute(program, words, { cwd, maxBuffer: 2 ** 26 });
  return stdout.trim();
}

/** Runs kubectl in the namespace of Reelmesh. */
export function kubectl(...words: readonly string[]): Promise<string> {
  return run("kubectl", [...HERE, ...words]);
}

/** Runs kubectl with a manifest on its standard input. */
export async function kubectlWith(input: string, ...words: readonly string[]): Promise<string> {
  const child = spawn("kubectl", [...HERE, ...words]);
  const said: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => said.push(part));
  child.stderr.on("data", (part: Buffer) => said.push(part));
  const closed = once(child, "close");
  child.stdin.end(input);
  await closed;
  const output = Buffer.concat(said).toString();
  if (child.exitCode !== 0) throw new Error(output);
  return output.trim();
}

/**
 * Makes the cluster where there is none, with images of what is in this folder; with `TEST_IMAGES=loaded` the cluster has
 * them already.
 */
export async function openCluster(): Promise<void> {
  const there = (await run("kind", ["get", "clusters"])).split("\n").includes("reelmesh");
  if (!there) writeFileSync(CLUSTER_IS_OURS, "");
  await run("npm", ["run", "cluster"]);
  if (process.env.TEST_IMAGES === "loaded" || existsSync(IMAGES_ARE_THERE)) return;
  for (const service of SERVICES) {
    // The machine's own network: what reaches a package registry from here reaches it from the build.
    const words = ["--network", "host", "--build-arg", `SERVICE=${service}`, "--tag", `reelmesh/${service}:dev`];
    await run("docker", ["buildx", "build", "--quiet", "--load", ...words, "."]);
  }
  const images = SERVICES.map((service) => `reelmesh/${service}:dev`);
  await run("kind", ["load", "docker-image", "--name", "reelmesh", ...images]);
  writeFileSync(IMAGES_ARE_THERE, "");
}

/** Applies an overlay; resolves when it serves and nothing of what was there before is left. */
export async function apply(overlay: string): Promise<void> {
  await kubectl("apply", "-k", `k8s/overlays/${overlay}`);
  await settled();
}

/** Resolves when every workload is as it should be, and no pod is on its way out. */
export async function settled(): Promise<void> {
  for (const kind of ["statefulset", "deployment"]) {
    const words = ["rollout", "status", kind, "--timeout=240s", "--selector=app.kubernetes.io/part-of=reelmesh"];
    await kubectl(...words);
  }
  await until(async () => (await podsOf(...SERVICES)).every(({ leaving }) => !leaving));
}

/** Starts each of these Deployments anew, one after another. */
export async function restart(...services: readonly string[]): Promise<void> {
  for (const service of services) {
    await kubectl("rollout", "restart", `deployment/${service}`);
    await kubectl("rollout", "status", `deployment/${service}`, "--timeout=240s");
    await until(async () => (await podsOf(service)).every(({ leaving }) => !leaving));
  }
}

export interface Pod {
  readonly name: string;
  readonly leaving: boolean;
}

/** The pods of services that have not ended. */
export async function podsOf(...services: readonly string[]): Promise<readonly Pod[]> {
  const selector = `app.kubernetes.io/name in (${services.join(",")})`;
  const template =
    '{{range .items}}{{if ne .status.phase "Failed"}}{{.metadata.name}} {{if .metadata.deletionTimestamp}}leaving{{end}}{{"\\n"}}{{end}}{{end}}';
  const lines = await kubectl("get", "pods", "--selector", selector, "-o", `go-template=${template}`);
  return lines
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({ name: line.split(" ")[0] ?? "", leaving: line.includes("leaving") }));
}

/** Something of a pod's port 9090, by way of the API server. */
export function operatorsPort(pod: string, path: string): Promise<string> {
  return kubectl("get", "--raw", `/api/v1/namespaces/reelmesh/pods/${pod}:9090/proxy${path}`);
}

/** Forwards a free port of this machine until cleanup; answers its address. */
export function forward(target: string, port: number, cleanup: Cleanup): Promise<string> {
  return forwardIn(HERE, target, port, cleanup);
}

/** The same where kubectl is told to look. */
export async function forwardIn(
  where: readonly string[],
  target: string,
  port: number,
  cleanup: Cleanup,
): Promise<string> {
  const words = [...where, "port-forward", target, `:${port}`];
  const child = spawn("kubectl", words, { stdio: ["ignore", "pipe", "inherit"] });
  cleanup.add(async () => {
    const gone = once(child, "exit");
    if (child.kill()) await gone;
  });
  for await (const line of createInterface(child.stdout)) {
    const [, local] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (local === undefined) continue;
    child.stdout.resume();
    return `127.0.0.1:${local}`;
  }
  throw new Error(`Nothing is forwarded to ${target}`);
}

/** Whether a program is on the PATH. */
export function there(program: string, ...words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

function whyNoCluster(): string | undefined {
  if (!there("kind", "version")) return "kind is not installed";
  if (!there("kubectl", "version", "--client")) return "kubectl is not installed";
  return there("docker", "info") ? undefined : "no Docker engine answers";
}
