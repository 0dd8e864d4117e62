import { randomBytes, randomUUID } from "node:crypto";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { mintCapability, type Capability, type Verb } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { defineModule } from "@reelmesh/mesh/module.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import { startModules } from "@reelmesh/mesh/start.js";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { storage } from "../src/module.js";

/** The service at work on a free port, and a client of it. */
export interface RunningStorage {
  readonly client: Client<StorageServiceDefinition>;
  readonly keys: Keys;
  /** A capability that opens an object or prefix for an hour. */
  allow(opens: string, verbs: readonly Verb[], more?: Partial<Capability>): string;
  /** Whether the process says that it is ready, which it is while the store answers. */
  ready(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Starts the service beside another module that calls it, with these settings. */
export async function startStorage(variables: Readonly<Record<string, string>>): Promise<RunningStorage> {
  const clients: Client<StorageServiceDefinition>[] = [];
  const caller = defineModule({
    name: "caller",
    clients: ["storage"],
    config: () => undefined,
    async start(_, mesh) {
      clients.push(mesh.client("storage", StorageServiceDefinition));
      return {};
    },
  });
  const mesh = await startModules(
    [storage, caller],
    {
      STORAGE_LISTEN: "127.0.0.1:0",
      OPS_LISTEN: "127.0.0.1:0",
      MESH_DRAIN_MS: "0",
      MESH_SECRET: randomBytes(32).toString("base64"),
      ...variables,
    },
    { write: () => true },
  );
  const [client] = clients;
  if (!client) throw new Error("The calling module did not start");
  const { keys } = mesh;
  return {
    client,
    keys,
    allow: (opens, verbs, more = {}) =>
      mintCapability(keys, { opens, verbs, expires: new Date(Date.now() + 3_600_000), ...more }),
    ready: async () => (await fetch(`http://${mesh.opsAddress}/readyz`)).ok,
    stop: () => mesh.stop(),
  };
}

/** The scope of a call that nothing ends. */
export function scope(signal = new AbortController().signal): CallScope {
  return { requestId: randomUUID(), signal };
}

/** Resolves as soon as `holds` says so; a condition that never comes is the test's own timeout. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
