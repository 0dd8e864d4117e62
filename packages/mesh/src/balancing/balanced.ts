import type { ChannelOptions } from "@grpc/grpc-js";
import type { MethodTraits } from "../definition.js";
import { SCHEME, registerResolver } from "../discovery/resolver.js";
import { registerBalancer } from "./balancer.js";
import { createBalancing, withBalancing } from "./balancing.js";

/**
 * A line that swallows everything says nothing, and TCP itself would send again for a quarter of an hour. A ping that
 * nobody answers ends the connection within ten seconds, before a unary call's deadline (15 s), so that a call which
 * may be repeated still has time to be. Idle connections are tested too, for the watch of a replica's health is a call
 * that is always open. A process that stands still for longer than the timeout loses its connections, and gets new ones.
 */
const KEEPALIVE = { "grpc.keepalive_time_ms": 5_000, "grpc.keepalive_timeout_ms": 5_000 };

/** What to open a grpc-js client with, to have its calls balanced. */
export interface Balanced {
  readonly target: string;
  readonly options: ChannelOptions;
  /** Says what kind a method is, before it is first called; one that nobody spoke of is unary. */
  learn(path: string, kind: MethodTraits["kind"]): void;
}

/**
 * Balances a channel's calls over all replicas at its addresses.
 *
 * @param addresses `host:port`, or several, comma separated; a name stands for all that DNS says of it.
 */
export function balanced(addresses: string, options: Parameters<typeof createBalancing>[0]): Balanced {
  registerResolver();
  registerBalancer();
  const balancing = createBalancing(options);
  return {
    target: `${SCHEME}:${addresses}`,
    options: {
      ...withBalancing(balancing),
      // Replicas are reached straight.
      "grpc.enable_http_proxy": 0,
      ...KEEPALIVE,
    },
    learn(path, kind) {
      balancing.learn(path, kind);
    },
  };
}
