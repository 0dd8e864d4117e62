import { setMaxListeners } from "node:events";
import { Client as GrpcClient, Metadata, credentials, type ServiceError } from "@grpc/grpc-js";
import type { CallScope } from "./call.js";
import type { MethodTraits } from "./definition.js";
import { SILENT, type MeshObserver } from "./observe/events.js";
import { observeChannel } from "./observe/observed-channel.js";
import { formatTraceparent } from "./observe/trace.js";
import { createGate, receive } from "./receive.js";
import { fromStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { AUTHORIZATION, CALLER, REQUEST_ID, TRACEPARENT, TRACESTATE } from "./wire-names.js";

type Deadlines = Readonly<Record<MethodTraits["kind"], number>>;

/** How long a call may take when its scope leaves more; a stream, how long it may stay silent. */
export const DEADLINE_MS: Deadlines = {
  unary: 15_000,
  stream: 30_000,
  "long poll": 60_000,
};

type Serialize = (message: unknown) => Buffer;
type Deserialize = (bytes: Buffer) => unknown;

/** How one method's messages become bytes and back, and how long it may take. */
export interface CallShape {
  readonly path: string;
  readonly kind: MethodTraits["kind"];
  readonly serialize: Serialize;
  readonly deserialize: Deserialize;
}

/** What is learnt of a call while it runs, for those who watch. */
export interface CallFacts {
  /** Where it was answered, as host:port. */
  backend?: string;
  /** Which attempt it is, from 1. */
  attempt: number;
}

/** The connections to one service, shared by all its clients in the process. */
export interface Channel {
  unary(shape: CallShape, request: unknown, scope: CallScope, facts?: CallFacts): Promise<unknown>;
  stream(shape: CallShape, request: unknown, scope: CallScope, facts?: CallFacts): AsyncGenerator;
  close(): void;
}

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
): Channel {
  const client = new GrpcClient(address, credentials.createInsecure(), {
    "grpc.service_config_disable_resolution": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.max_receive_message_length": 4 * 1024 * 1024,
    // One read of the largest piece; what a slow reader leaves unread stays with the sender beyond this.
    "grpc-node.flow_control_window": 256 * 1024,
  });

  const metadataOf = async (scope: CallScope) => {
    const metadata = new Metadata();
    metadata.set(CALLER, await tokens.forService(caller));
    metadata.set(REQUEST_ID, scope.requestId);
    if (scope.principalToken !== undefined) metadata.set(AUTHORIZATION, `Bearer ${scope.principalToken}`);
    if (scope.trace) {
      metadata.set(TRACEPARENT, formatTraceparent(scope.trace));
      if (scope.trace.state !== undefined) metadata.set(TRACESTATE, scope.trace.state);
    }
    scope.signal.throwIfAborted();
    return metadata;
  };

  /** What a call's caller is told: why it ended the call itself, or what went wrong with it. */
  const failureOf = (error: unknown, { signal }: CallScope): unknown => {
    if (signal.aborted) return signal.reason;
    return isServiceError(error) ? fromStatus(error, service) : error;
  };

  const channel: Channel = {
    async unary({ path, kind, serialize, deserialize }, request, scope, facts) {
      const metadata = await metadataOf(scope);
      const deadline = Math.min(Date.now() + deadlines[kind], scope.deadline ?? Infinity);
      let release: () => void = () => undefined;
      try {
        return await new Promise<unknown>((resolve, reject) => {
          const answered = (error: ServiceError | null, answer: unknown) => {
            if (error) reject(error);
            else resolve(answer);
          };
          const options = { deadline };
          const call = client.makeUnaryRequest(path, serialize, deserialize, request, metadata, options, answered);
          call.once("status", () => {
            if (facts) facts.backend = call.getPeer();
          });
          release = cancelOnAbort(call, scope.signal);
        });
      } catch (error) {
        throw failureOf(error, scope);
      } finally {
        release();
      }
    },

    async *stream({ path, kind, serialize, deserialize }, request, scope, facts) {
      const metadata = await metadataOf(scope);
      const gate = createGate();
      const call = client.makeServerStreamRequest(path, serialize, deserialize, request, metadata, {
        deadline: scope.deadline ?? Infinity,
        interceptors: [gate.interceptor],
      });
      const release = cancelOnAbort(call, scope.signal);
      try {
        yield* receive(call, gate, deadlines[kind]);
      } catch (error) {
        throw failureOf(error, scope);
      } finally {
        if (facts) facts.backend = call.getPeer();
        release();
      }
    },

    close() {
      client.close();
    },
  };
  return observeChannel(channel, service, caller, observer);
}

/** @returns how to stop listening to the signal, which may outlive many calls. */
function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal): () => void {
  const cancel = () => {
    call.cancel();
  };
  // As many as there are calls at a time: each goes with its call.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", cancel, { once: true });
  return () => {
    signal.removeEventListener("abort", cancel);
  };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}
