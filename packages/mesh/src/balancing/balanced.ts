import type { ChannelOptions } from "@grpc/grpc-js";
import type { MethodTraits } from "../definition.js";
import { SCHEME, registerResolver } from "../discovery/resolver.js";
import { registerBalancer } from "./balancer.js";
import { createBalancing, withBalancing } from "./balancing.js";

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
      // A replica that stands still is noticed by its silence.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5_000,
    },
    learn(path, kind) {
      balancing.learn(path, kind);
    },
  };
}
