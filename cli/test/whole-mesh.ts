import { modules } from "@reelmesh/all/modules.js";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** All of Reelmesh in this process, on free ports and in a folder of its own. */
export interface WholeMesh extends RunningMesh {
  readonly folder: string;
}

/**
 * Starts it; its stop removes the folder too.
 *
 * @param prepare makes what it needs in the folder, and answers further variables.
 */
export async function startWholeMesh(
  prepare: (folder: string) => Promise<Readonly<Record<string, string>>> = () => Promise.resolve({}),
): Promise<WholeMesh> {
  const folder = await mkdtemp(join(tmpdir(), "reelmesh-cli-"));
  const listens: Record<string, string> = {};
  for (const { name } of [...modules, { name: "ops" }]) {
    listens[`${name.toUpperCase().replaceAll("-", "_")}_LISTEN`] = "127.0.0.1:0";
  }
  const rest = { REELMESH_DATA: join(folder, "data"), LOG_LEVEL: "silent", MESH_DRAIN_MS: "1000" };
  const mesh = await startModules(modules, { ...listens, ...rest, ...(await prepare(folder)) });
  return {
    ...mesh,
    folder,
    async stop() {
      await mesh.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
