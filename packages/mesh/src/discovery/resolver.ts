import { Metadata, experimental, status, type ChannelOptions } from "@grpc/grpc-js";
import { balancingOf, type Balancing } from "../balancing/balancing.js";
import { BALANCER } from "../balancing/names.js";
import { formatAddress, parseAddresses, type Address } from "./address.js";
import { watchAddresses, type AddressWatch } from "./address-watch.js";

/** The scheme of targets such as `reelmesh:10.0.0.1:7002,catalog:7002`. */
export const SCHEME = "reelmesh";

/** Tells grpc-js where the replicas are, and that calls are balanced our way. */
class MeshResolver implements experimental.Resolver {
  readonly #addresses: readonly Address[];
  readonly #listener: experimental.ResolverListener;
  readonly #balancing: Balancing;
  #watch: AddressWatch | undefined;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
    this.#addresses = addressesOf(target);
    this.#listener = listener;
    this.#balancing = balancingOf(options);
  }

  static getDefaultAuthority(target: experimental.GrpcUri): string {
    const [first] = addressesOf(target);
    return first ? formatAddress(first) : target.path;
  }

  updateResolution(): void {
    if (this.#watch) this.#watch.refresh();
    else {
      this.#watch = watchAddresses(this.#addresses, this.#balancing.names, (replicas, failure) => {
        this.#tell(replicas, failure);
      });
    }
  }

  destroy(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #tell(replicas: readonly Address[], failure: unknown): void {
    const { service, configSelector } = this.#balancing;
    const problem = `No address of ${service} is known: ${failure instanceof Error ? failure.message : "none is named"}`;
    this.#listener(
      replicas.length > 0
        ? { ok: true, value: replicas.map(({ host, port }) => ({ addresses: [{ host, port }] })) }
        : { ok: false, error: { code: status.UNAVAILABLE, details: problem, metadata: new Metadata() } },
      { [experimental.CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: configSelector },
      { ok: true, value: { loadBalancingConfig: [{ [BALANCER]: {} }], methodConfig: [] } },
      "",
    );
  }
}

function addressesOf({ path }: experimental.GrpcUri): readonly Address[] {
  const addresses = parseAddresses(path);
  if (!addresses) throw new Error(`${path} is no list of addresses: give host:port, or several, comma separated`);
  return addresses;
}

/** Has grpc-js resolve our targets. Doing it again changes nothing. */
export function registerResolver(): void {
  experimental.registerResolver(SCHEME, MeshResolver);
}
