import { test } from "@jest/globals";
import { join } from "node:path";
import { createNetwork, networkProblem, type Network } from "../../../bench/netns.js";
import { startChild } from "../../../bench/child.js";
import { startReplica, type Replica } from "../../../bench/failures.js";
import type { Matrix } from "./matrix.js";

const problem = networkProblem();
const skipped = problem !== undefined && process.env.CI !== "true";

/** A test on hosts of its own, which are network namespaces; skipped where there can be none, except in CI. */
export function networkTest(name: string, act: () => Promise<void>, timeoutMs: number): void {
  if (skipped) test.skip(`${name} (${problem})`, act);
  else test(name, act, timeoutMs);
}

/** Replicas, each on a host of its own at the same ports, and the network between them and their callers' host. */
export interface Hosts {
  readonly network: Network;
  readonly replicas: readonly Replica[];
}

const PORTS = [7001, 8001] as const;

export async function replicasOnHosts(matrix: Matrix, names: readonly string[]): Promise<Hosts> {
  const network = createNetwork(names.length);
  matrix.cleanup.add(async () => {
    network.destroy();
  });
  const replicas = await Promise.all(
    network.hosts.map(async ({ namespace, address: host }, index) => {
      const place = { ...matrix.place(), namespace };
      const replica = await startReplica(place, names[index] ?? "", { host, ports: PORTS });
      matrix.cleanup.add(() => replica.kill());
      return replica;
    }),
  );
  return { network, replicas };
}

/** Puts a delay, each way, in front of a replica; answers where it is reached by that. */
export async function behindSlowLine(
  matrix: Matrix,
  { namespace, address }: Network["hosts"][number],
  delayMs: number,
): Promise<Pick<Replica, "mesh" | "bare">> {
  const [mesh, bare] = await Promise.all(
    PORTS.map(async (port) => {
      const { folder, extension } = matrix.place();
      const args = [address, String(port + 1), address, String(port), String(delayMs)];
      const line = startChild<string>(join(folder, `slow-line.${extension}`), args, { namespace });
      matrix.cleanup.add(() => line.kill());
      await line.ask("are you there");
      return `${address}:${port + 1}`;
    }),
  );
  return { mesh: mesh ?? "", bare: bare ?? "" };
}
