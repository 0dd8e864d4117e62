import { randomBytes } from "node:crypto";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";
import { modules } from "@reelmesh/all/modules.js";
import type { Cleanup } from "../../../test/support/cleanup.js";
import { FREE_PORTS } from "../../../test/support/mesh.js";
import { createCallLog, type CallLog } from "./call-log.js";
import { startProxy, type Proxy } from "./proxy.js";

/** Where no broker is: events are lost, and what they would have told is looked for no more often than a test says. */
const NO_BROKER = "amqp://127.0.0.1:1";

/** The edge and the services in a mesh each, with a line between the edge and storage that can be watched. */
export interface SplitMesh {
  readonly url: string;
  readonly services: RunningMesh;
  readonly edge: RunningMesh;
  /** Between the edge and storage. */
  readonly line: Proxy;
  /** Where the services keep what they keep. */
  readonly data: string;
  /** The services' calls. */
  readonly calls: CallLog;
}

export async function startSplitMesh(
  cleanup: Cleanup,
  variables: Readonly<Record<string, string>> = {},
): Promise<SplitMesh> {
  const shared = { ...FREE_PORTS, MESH_SECRET: randomBytes(32).toString("base64"), MESH_DRAIN_MS: "0", ...variables };
  const behind = modules.filter(({ name }) => name !== "gateway");
  const data = await cleanup.folder();
  const calls = createCallLog();
  const logging = { ...shared, LOG_LEVEL: "info", REELMESH_DATA: data };
  const services = await startModules(behind, logging, calls.destination);
  cleanup.add(() => services.stop());
  const line = await startProxy(services.addressOf("storage"));
  cleanup.add(() => line.stop());
  const addresses = Object.fromEntries(
    behind.map(({ name }) => [`${name.toUpperCase()}_ADDRESS`, services.addressOf(name)]),
  );
  const edge = await startModules(
    modules.filter(({ name }) => name === "gateway"),
    { AMQP_URL: NO_BROKER, GATEWAY_CATCH_UP_SECONDS: "3600", ...shared, ...addresses, STORAGE_ADDRESS: line.address },
  );
  cleanup.add(() => edge.stop());
  return { url: `http://${edge.addressOf("gateway")}`, services, edge, line, data, calls };
}
