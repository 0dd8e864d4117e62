import { experimental, status, type ChannelOptions } from "@grpc/grpc-js";
import type { MethodTraits } from "../definition.js";
import { systemLookup } from "../discovery/lookup.js";
import type { NameWatchOptions } from "../discovery/name-watch.js";
import { SILENT, type MeshObserver } from "../observe/events.js";

/** What one channel's resolver and balancer know of it. */
export interface Balancing {
  /** The module that calls. */
  readonly caller: string;
  /** The module called. */
  readonly service: string;
  readonly observer: MeshObserver;
  readonly names: NameWatchOptions;
  /** Has the picker told each call's method and kind. */
  readonly configSelector: experimental.ConfigSelector;
  /** Says what kind a method is; one that nobody spoke of is unary. */
  learn(path: string, kind: MethodTraits["kind"]): void;
}

/** A replica that DNS names is used within five seconds. */
const POLL_MS = 3_000;
const LEAST_MS = 1_000;
/** grpc-js keeps options with this prefix from the connections, which channels share whose options are the same. */
const KEY = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.reelmesh.balancing`;

const known = new WeakSet<object>();

export function createBalancing(options: {
  readonly caller: string;
  readonly service: string;
  readonly observer?: MeshObserver | undefined;
  readonly names?: Partial<NameWatchOptions> | undefined;
}): Balancing {
  const { caller, service, observer = SILENT, names } = options;
  const configs = new Map<string, ReturnType<experimental.ConfigSelector["invoke"]>>();
  const learn = (path: string, kind: MethodTraits["kind"]) => {
    const config = {
      methodConfig: { name: [] },
      pickInformation: { path, kind },
      status: status.OK,
      dynamicFilterFactories: [],
    };
    configs.set(path, config);
    return config;
  };
  const balancing: Balancing = {
    caller,
    service,
    observer,
    names: { lookup: systemLookup, pollMs: POLL_MS, leastMs: LEAST_MS, ...names },
    configSelector: {
      invoke: (path) => configs.get(path) ?? learn(path, "unary"),
      unref: () => undefined,
    },
    learn(path, kind) {
      if (configs.get(path)?.pickInformation.kind !== kind) learn(path, kind);
    },
  };
  known.add(balancing);
  return balancing;
}

/** The options that hand a channel's balancing to its resolver and balancer. */
export function withBalancing(balancing: Balancing): ChannelOptions {
  return { [KEY]: balancing };
}

/** What {@link withBalancing} put there. @throws Error when there is nothing. */
export function balancingOf(options: ChannelOptions): Balancing {
  const given: unknown = options[KEY];
  if (!isBalancing(given)) throw new Error("A channel of the mesh is opened by openBalanced");
  return given;
}

function isBalancing(value: unknown): value is Balancing {
  return typeof value === "object" && value !== null && known.has(value);
}
