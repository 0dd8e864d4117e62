import { describe } from "@jest/globals";
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

export const ROOT = join(__dirname, "../../..");

/** What every image is built on. */
export const BASE_IMAGE = "node:24-bookworm-slim";

/** The version that images of these tests have as their tag. */
export const TEST_VERSION = "test";

/** Why there is no Docker engine to test with; undefined when there is one, and in CI, where it must be there. */
const missing = process.env.CI === "true" ? undefined : whyNoEngine();

/** A suite that needs a Docker engine; it is skipped in plain sight where none answers. */
export function describeWithDocker(name: string, suite: () => void): void {
  if (missing === undefined) describe(name, suite);
  else describe.skip(`${name} (skipped: ${missing})`, suite);
}

/** Runs docker and answers its output, without the line's end. @throws Error with what it said on stderr. */
export async function docker(...words: readonly string[]): Promise<string> {
  const env = { ...process.env, REELMESH_VERSION: TEST_VERSION };
  const { stdout } = await execute("docker", words, { cwd: ROOT, env, maxBuffer: 2 ** 26 });
  return stdout.trim();
}

/** What docker inspect says of an image or a container, by a Go template that gives JSON. */
export async function inspect(object: string, template: string): Promise<unknown> {
  const parsed: unknown = JSON.parse(await docker("inspect", "--format", `{{json ${template}}}`, object));
  return parsed;
}

/** The image of a service as these tests build it. */
export function imageOf(service: string, version = TEST_VERSION): string {
  return `reelmesh/${service}:${version}`;
}

/** Builds a service's image from a folder. */
export async function buildImage(
  service: string,
  { context = ROOT, tag = imageOf(service), args = {} }: BuildOptions = {},
): Promise<string> {
  const given = Object.entries({ SERVICE: service, ...args }).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  // The machine's own network: what reaches a package registry from here reaches it from the build.
  await docker("build", "--network", "host", ...given, "--tag", tag, context);
  return tag;
}

interface BuildOptions {
  readonly context?: string;
  readonly tag?: string;
  readonly args?: Readonly<Record<string, string>>;
}

function whyNoEngine(): string | undefined {
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 });
    return undefined;
  } catch {
    return "no Docker engine answers";
  }
}
