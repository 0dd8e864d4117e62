import { Metadata, connectivityState, experimental, status, type ChannelOptions } from "@grpc/grpc-js";
import { createBackend, type Backend } from "./backend.js";
import { balancingOf } from "./balancing.js";
import { createEjectionGroup } from "./ejection.js";
import { BALANCER } from "./names.js";
import { createUsualLatencies } from "./outcome.js";
import { createPicker } from "./picker.js";

/** How long after the first backend others still count as having been there from the start. */
const SETTLE_MS = 1_000;
const { CONNECTING, READY, TRANSIENT_FAILURE } = connectivityState;

class LeastLoadConfig implements experimental.TypedLoadBalancingConfig {
  static createFromJson(): LeastLoadConfig {
    return new LeastLoadConfig();
  }
  getLoadBalancerName(): string {
    return BALANCER;
  }
  toJsonObject(): object {
    return { [BALANCER]: {} };
  }
}

/** Keeps a connection to every replica and sends each call to one that has little to do and answers fast. */
class LeastLoadBalancer implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #backends = new Map<string, Backend>();
  readonly #ejections = createEjectionGroup();
  readonly #usual = createUsualLatencies();
  #settledMs = Infinity;
  #updating = false;

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    _config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
  ): boolean {
    if (!endpoints.ok) {
      if (this.#backends.size === 0) this.#fail(endpoints.error.details, new Metadata());
      return true;
    }
    const wanted = new Map(endpoints.value.map((endpoint) => [experimental.endpointToString(endpoint), endpoint]));
    this.#updating = true;
    for (const [key, endpoint] of wanted) if (!this.#backends.has(key)) this.#add(key, endpoint, options);
    for (const [key, backend] of this.#backends) {
      if (wanted.has(key)) continue;
      this.#backends.delete(key);
      backend.destroy();
    }
    this.#updating = false;
    this.#update();
    return true;
  }

  exitIdle(): void {
    // Every backend connects by itself.
  }

  resetBackoff(): void {
    // The connections have their own.
  }

  destroy(): void {
    this.#updating = true;
    for (const backend of this.#backends.values()) backend.destroy();
    this.#backends.clear();
  }

  getTypeName(): string {
    return BALANCER;
  }

  #add(key: string, endpoint: experimental.Endpoint, options: ChannelOptions): void {
    const [address] = endpoint.addresses;
    if (!address) return;
    // Connections are shared by channels whose options are the same; what is each channel's own must not be among them.
    const { [experimental.CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: own, ...channelOptions } = options;
    const backend = createBackend({
      address: experimental.subchannelAddressToString(address),
      endpoint,
      helper: this.#helper,
      channelOptions,
      balancing: balancingOf(options),
      member: this.#ejections.join(),
      settled: () => performance.now() > this.#settledMs,
      changed: () => {
        this.#update();
      },
    });
    this.#backends.set(key, backend);
    backend.connect();
  }

  #update(): void {
    if (this.#updating) return;
    const backends = [...this.#backends.values()];
    const usable = backends.filter((backend) => backend.usable());
    const states = new Set(backends.map((backend) => backend.state()));
    if (usable.length > 0) {
      if (this.#settledMs === Infinity) this.#settledMs = performance.now() + SETTLE_MS;
      this.#helper.updateState(READY, createPicker(usable, this.#usual), null);
    } else if (states.has("connecting") || states.has("idle")) {
      this.#helper.updateState(CONNECTING, new experimental.QueuePicker(this), null);
    } else if (states.has("not serving")) this.#fail("No backend is serving", NOT_AGAIN.clone());
    else this.#fail(backends.map((backend) => backend.problem() ?? "").join("; "), new Metadata());
  }

  #fail(details: string, metadata: Metadata): void {
    const picker = new experimental.UnavailablePicker({ code: status.UNAVAILABLE, details, metadata });
    this.#helper.updateState(TRANSIENT_FAILURE, picker, details);
  }
}

/** A backend that says it cannot serve is believed: a call fails at once, and is not tried again. */
const NOT_AGAIN = new Metadata();
NOT_AGAIN.set("grpc-retry-pushback-ms", "-1");

/** Has grpc-js know the balancer. Doing it again changes nothing. */
export function registerBalancer(): void {
  experimental.registerLoadBalancerType(BALANCER, LeastLoadBalancer, LeastLoadConfig);
}
