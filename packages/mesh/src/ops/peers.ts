import { formatAddress, type Address } from "../discovery/address.js";
import { systemLookup, type Lookup } from "../discovery/lookup.js";
import { settlesWithin } from "../patience.js";
import { askState, problemOf } from "./ask.js";
import type { Answer } from "./state.js";

/** Other processes of the mesh, asked by their operators' ports. */
export interface Peers {
  /** What each knows, or why it did not say. Never rejects; asked often, it answers alike for a moment. */
  ask(): Promise<readonly Answer[]>;
}

/** The page asks each second, for however many look at it. */
const KEPT_MS = 800;
/** A page that waits for the slowest is of no use: how long a peer may take, in milliseconds. */
const PATIENCE_MS = 1_000;
/** A name with more addresses than this names no service of this mesh. */
const MOST_REPLICAS = 64;

/** Peers by name, each of whose addresses is asked. */
export function createPeers(names: readonly Address[], lookup: Lookup = systemLookup): Peers {
  let known: { readonly atMs: number; readonly answers: Promise<readonly Answer[]> } | undefined;
  return {
    ask() {
      const now = performance.now();
      if (!known || now - known.atMs > KEPT_MS) known = { atMs: now, answers: askAll(names, lookup) };
      return known.answers;
    },
  };
}

async function askAll(names: readonly Address[], lookup: Lookup): Promise<readonly Answer[]> {
  return (await Promise.all(names.map((name) => askReplicas(name, lookup)))).flat();
}

async function askReplicas({ host, port }: Address, lookup: Lookup): Promise<readonly Answer[]> {
  const address = formatAddress({ host, port });
  try {
    const hosts = await inTime(lookup(host));
    if (hosts.length === 0 || hosts.length > MOST_REPLICAS) {
      return [{ address, problem: `has ${hosts.length === 0 ? "no" : hosts.length} addresses` }];
    }
    const answers = await Promise.all(
      hosts.map((found) => askState(formatAddress({ host: found, port }), PATIENCE_MS)),
    );
    // This machine by its name is one, of which few programs listen on both addresses.
    const one = host === "localhost" && answers.some((answer) => "state" in answer);
    return one ? answers.filter((answer) => "state" in answer) : answers;
  } catch (error) {
    return [{ address, problem: problemOf(error) }];
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  if (!(await settlesWithin(PATIENCE_MS, work))) throw new Error(`no address within ${PATIENCE_MS / 1000} s`);
  return work;
}
