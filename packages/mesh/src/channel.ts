import {
  Channel as GrpcChannel,
  Metadata,
  credentials as grpcCredentials,
  type ChannelCredentials,
  type ChannelOptions as GrpcOptions,
} from "@grpc/grpc-js";
import { balanced } from "./balancing/balanced.js";
import type { CallScope } from "./call.js";
import { createBudget, type BudgetOptions } from "./calls/budget.js";
import { deadlineOf } from "./calls/deadlines.js";
import { createLatencyQuantile, type LatencyQuantile } from "./calls/latency.js";
import { createLines, type Standing } from "./calls/lines.js";
import type { Calls } from "./calls/outgoing-call.js";
import { callStream } from "./calls/stream-call.js";
import { callUnary } from "./calls/unary-call.js";
import type { MethodTraits } from "./definition.js";
import { DomainError } from "./errors.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { observeChannel } from "./observe/observed-channel.js";
import { formatTraceparent } from "./observe/trace.js";
import type { Tokens } from "./tokens.js";
import { AUTHORIZATION, CALLER, CRITICALITY, REQUEST_ID, TRACEPARENT, TRACESTATE } from "./wire-names.js";

type Deadlines = Readonly<Record<MethodTraits["kind"], number>>;

/** How long a call may take when its scope leaves more; a stream, how long it may stay silent. */
export const DEADLINE_MS: Deadlines = {
  unary: 15_000,
  stream: 30_000,
  "long poll": 60_000,
};

type Serialize = (message: unknown) => Buffer;
type Deserialize = (bytes: Buffer) => unknown;

/** How one method's messages become bytes and back, how long it may take, and whether it may be repeated. */
export interface CallShape {
  readonly path: string;
  readonly kind: MethodTraits["kind"];
  readonly idempotency: MethodTraits["idempotency"];
  readonly serialize: Serialize;
  readonly deserialize: Deserialize;
}

/** What is learnt of a call while it runs, for those who watch. */
export interface CallFacts {
  /** Where it was answered, as host:port. */
  backend?: string | undefined;
  /** Which attempt it is, from 1. */
  attempt: number;
}

/** The connections to one service, shared by all its clients in the process. */
export interface Channel {
  unary(shape: CallShape, request: unknown, scope: CallScope, facts?: CallFacts): Promise<unknown>;
  stream(shape: CallShape, request: unknown, scope: CallScope, facts?: CallFacts): AsyncGenerator;
  close(): void;
}

/** How a channel connects, and how hard it tries. */
export interface ChannelOptions {
  /** Default: plaintext. */
  readonly credentials?: ChannelCredentials | undefined;
  /** More options of grpc-js, such as a service config that names a balancer. */
  readonly grpc?: GrpcOptions | undefined;
  /** How long a call waits for a service that no connection reaches, such as one that restarts. Default 5000. */
  readonly patienceMs?: number | undefined;
  readonly budget?: BudgetOptions | undefined;
  /** How old connections become before calls go on new ones; default for good. */
  readonly connectionAgeMs?: number | undefined;
}

const PATIENCE_MS = 5_000;
/** Which of a method's calls take so long that a second attempt is worth its price. */
const HEDGED_QUANTILE = 0.95;

/**
 * Opens a channel, which connects when first used and again by itself.
 *
 * @param service the name it is called by in errors.
 * @param caller the name this process calls under.
 * @param observer hears how every call ended.
 */
export function openChannel(
  service: string,
  address: string,
  caller: string,
  tokens: Tokens,
  deadlines: Deadlines = DEADLINE_MS,
  observer: MeshObserver = SILENT,
  options: ChannelOptions = {},
): Channel {
  const grpcOptions = {
    // Callers of one service that restarts do not come back in step.
    "grpc.initial_reconnect_backoff_ms": spread(100),
    "grpc.max_reconnect_backoff_ms": spread(2_000),
    "grpc.max_receive_message_length": 4 * 1024 * 1024,
    // One read of the largest piece; what a slow reader leaves unread stays with the sender beyond this.
    "grpc-node.flow_control_window": 256 * 1024,
    // A connection bears a limited number of resets, which are counted by line.
    "grpc.use_local_subchannel_pool": 1,
    ...options.grpc,
  };
  const lines = createLines((standing) => {
    const mesh = balanced(address, { caller, service, observer: observerOf(standing, observer) });
    const credentials = options.credentials ?? grpcCredentials.createInsecure();
    return {
      channel: new GrpcChannel(mesh.target, credentials, { ...mesh.options, ...grpcOptions }),
      learn: mesh.learn.bind(mesh),
    };
  }, options.connectionAgeMs);
  const latencies = new Map<string, LatencyQuantile>();
  const calls: Calls = {
    lines,
    service,
    caller,
    observer,
    budget: createBudget(options.budget),
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    latencyOf(path) {
      let latency = latencies.get(path);
      if (!latency) latencies.set(path, (latency = createLatencyQuantile(HEDGED_QUANTILE)));
      return latency;
    },
  };

  const metadataOf = async (scope: CallScope) => {
    const metadata = new Metadata();
    metadata.set(CALLER, await tokens.forService(caller));
    metadata.set(REQUEST_ID, scope.requestId);
    if (scope.criticality !== undefined) metadata.set(CRITICALITY, scope.criticality);
    if (scope.principalToken !== undefined) metadata.set(AUTHORIZATION, `Bearer ${scope.principalToken}`);
    if (scope.trace) {
      metadata.set(TRACEPARENT, formatTraceparent(scope.trace));
      if (scope.trace.state !== undefined) metadata.set(TRACESTATE, scope.trace.state);
    }
    scope.signal.throwIfAborted();
    return metadata;
  };

  return observeChannel(
    {
      async unary(shape, request, scope, facts) {
        lines.current().learn(shape.path, shape.kind);
        const metadata = await metadataOf(scope);
        const deadline = deadlineOf(Date.now(), deadlines[shape.kind], scope.deadline);
        if (deadline <= Date.now()) throw new DomainError("DEADLINE_EXCEEDED");
        return callUnary(calls, { shape, request: shape.serialize(request), metadata, scope, deadline, facts });
      },

      async *stream(shape, request, scope, facts) {
        lines.current().learn(shape.path, shape.kind);
        const metadata = await metadataOf(scope);
        const deadline = deadlineOf(Date.now(), Infinity, scope.deadline);
        if (deadline <= Date.now()) throw new DomainError("DEADLINE_EXCEEDED");
        const call = { shape, request: shape.serialize(request), metadata, scope, deadline, facts };
        yield* callStream(calls, call, deadlines[shape.kind]);
      },

      close() {
        lines.close();
      },
    },
    service,
    caller,
    observer,
  );
}

/** Hears of connections only as long as calls go there: those that take their place have the same addresses. */
function observerOf(standing: Readonly<Standing>, observer: MeshObserver): MeshObserver {
  return {
    backendState(event) {
      if (standing.current) observer.backendState?.(event);
    },
  };
}

/** Somewhere between half and one and a half times as much. */
function spread(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()));
}
