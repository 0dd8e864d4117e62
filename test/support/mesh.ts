import { modules } from "@reelmesh/all/modules.js";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";

/** Every server on a free port, and nothing said in the log. */
export const FREE_PORTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [...modules, { name: "ops" }].map(({ name }) => [
      `${name.toUpperCase().replaceAll("-", "_")}_LISTEN`,
      "127.0.0.1:0",
    ]),
  ),
  LOG_LEVEL: "silent",
  MESH_DRAIN_MS: "1000",
};

/** All of Reelmesh in this process. */
export interface WholeMesh extends RunningMesh {
  /** The edge's address, such as http://127.0.0.1:40123. */
  readonly url: string;
}

export async function startWholeMesh(variables: Readonly<Record<string, string>>): Promise<WholeMesh> {
  const mesh = await startModules(modules, { ...FREE_PORTS, ...variables });
  return { ...mesh, url: `http://${mesh.addressOf("gateway")}` };
}
