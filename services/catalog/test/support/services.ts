import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallScope } from "@reelmesh/mesh/call.js";
import { openChannel, type Channel } from "@reelmesh/mesh/channel.js";
import { createClient, createRawCaller, type Client, type RawCaller } from "@reelmesh/mesh/client.js";
import type { ServiceDefinition } from "@reelmesh/mesh/definition.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import type { Module } from "@reelmesh/mesh/module.js";
import { startModules, type RunningMesh } from "@reelmesh/mesh/start.js";
import { environmentOf, scope } from "../../../../packages/mesh/test/support/mesh.js";

export { scope } from "../../../../packages/mesh/test/support/mesh.js";
export { rejection, until } from "../../../../packages/mesh/test/support/until.js";

/** Services at work on free ports, as their callers see them. */
export interface TestServices extends RunningMesh {
  /** A client of a module's service, which calls under the name of another service. */
  client<S extends ServiceDefinition>(module: string, definition: S, caller: string): Client<S>;
  /** Calls a module's service with messages as bytes, under the name of another service. */
  raw(module: string, caller: string): RawCaller;
  /** The scope of a call that a person makes, by the last part of their name. */
  as(user: string): Promise<CallScope>;
  /** Closes the clients, then stops everything. */
  stop(): Promise<void>;
}

export async function startServices(
  modules: readonly Module[],
  variables: Readonly<Record<string, string>>,
): Promise<TestServices> {
  const environment = { ...environmentOf(modules), LOG_LEVEL: "silent", ...variables };
  const mesh = await startModules(modules, environment);
  const channels: Channel[] = [];
  const channelTo = (module: string, caller: string) => {
    const channel = openChannel(module, mesh.addressOf(module), caller, mesh.tokens);
    channels.push(channel);
    return channel;
  };
  return {
    ...mesh,
    client: (module, definition, caller) => createClient(definition, channelTo(module, caller)),
    raw: (module, caller) => createRawCaller(channelTo(module, caller)),
    as: async (user) => scope({ principalToken: await mesh.tokens.forPrincipal({ name: `users/${user}` }, 3600) }),
    async stop() {
      for (const channel of channels.splice(0)) channel.close();
      await mesh.stop();
    },
  };
}

/** A folder of its own, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "reelmesh-services-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The reason why work fails; undefined when it does not. */
export async function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isDomainError(error)) return error.reason;
    throw error;
  }
}
