import { modules } from "@reelmesh/all/modules.js";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cleanup } from "../../support/cleanup.js";
import { docker, ROOT } from "./docker.js";

/** A project of its own, of what compose.yaml says. */
export interface Project {
  compose(...words: readonly string[]): Promise<string>;
  /** Where the edge is, which a free port was taken for. */
  url(): Promise<string>;
  /** The ids of a service's containers that run. */
  containers(service: string): Promise<string[]>;
}

export const SERVICES: readonly string[] = modules.map(({ name }) => name);

/** Opens a project by its name; its containers, networks and volumes go before it begins and when the suite has ended. */
export async function openProject(name: string, cleanup: Cleanup): Promise<Project> {
  const overrides = join(await cleanup.folder(), "compose.json");
  const networks = SERVICES.map((service) => [service, { build: { network: "host" } }] as const);
  await writeFile(overrides, JSON.stringify({ services: Object.fromEntries(networks) }));
  process.env.REELMESH_PORT = "0";
  const files = ["--project-name", name, "--file", join(ROOT, "compose.yaml"), "--file", overrides];
  const compose: Project["compose"] = (...words) => docker("compose", "--progress", "quiet", ...files, ...words);
  const remove = () => compose("down", "--volumes", "--remove-orphans");
  await remove();
  cleanup.add(remove);
  return {
    compose,
    url: async () => `http://${await compose("port", "gateway", "8080")}`,
    containers: async (service) => (await compose("ps", "--quiet", service)).split("\n").filter((id) => id !== ""),
  };
}
