import { Client as GrpcClient, Metadata, credentials, type ServiceError } from "@grpc/grpc-js";
import type { CallScope } from "./call.js";
import type { MethodTraits } from "./definition.js";
import { DomainError } from "./errors.js";
import { createGate, receive } from "./receive.js";
import { fromStatus } from "./status.js";
import type { Tokens } from "./tokens.js";
import { AUTHORIZATION, CALLER, REQUEST_ID } from "./wire-names.js";

/** How long a call may take when its scope leaves more; a stream, how long it may stay silent. */
export const DEADLINE_MS: Readonly<Record<MethodTraits["kind"], number>> = {
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

/** The connections to one service, shared by all its clients in the process. */
export interface Channel {
  unary(shape: CallShape, request: unknown, scope: CallScope): Promise<unknown>;
  stream(shape: CallShape, request: unknown, scope: CallScope): AsyncGenerator;
  close(): void;
}

/**
 * Opens a channel, which connects when first used and again by itself.
 *
 * @param service the name it is called by in errors.
 * @param caller the name this process calls under.
 */
export function openChannel(service: string, address: string, caller: string, tokens: Tokens): Channel {
  const client = new GrpcClient(address, credentials.createInsecure(), {
    "grpc.service_config_disable_resolution": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.max_receive_message_length": 4 * 1024 * 1024,
    // One read of the largest piece; what a slow reader leaves unread stays with the sender beyond this.
    "grpc-node.flow_control_window": 256 * 1024,
  });

  const metadataOf = async (scope: CallScope) => {
    scope.signal.throwIfAborted();
    const metadata = new Metadata();
    metadata.set(CALLER, await tokens.forService(caller));
    metadata.set(REQUEST_ID, scope.requestId);
    if (scope.principalToken !== undefined) metadata.set(AUTHORIZATION, `Bearer ${scope.principalToken}`);
    return metadata;
  };

  return {
    async unary({ path, kind, serialize, deserialize }, request, scope) {
      const metadata = await metadataOf(scope);
      const deadline = Math.min(Date.now() + DEADLINE_MS[kind], scope.deadline ?? Infinity);
      return new Promise<unknown>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          path,
          serialize,
          deserialize,
          request,
          metadata,
          { deadline },
          (error, answer) => {
            scope.signal.removeEventListener("abort", cancel);
            if (error) reject(fromStatus(error, service));
            else resolve(answer);
          },
        );
        const cancel = () => {
          call.cancel();
        };
        scope.signal.addEventListener("abort", cancel, { once: true });
      });
    },

    async *stream({ path, kind, serialize, deserialize }, request, scope) {
      const metadata = await metadataOf(scope);
      const gate = createGate();
      const call = client.makeServerStreamRequest(path, serialize, deserialize, request, metadata, {
        deadline: scope.deadline ?? Infinity,
        interceptors: [gate.interceptor],
      });
      const idled = new AbortController();
      const hangUp = () => {
        call.cancel();
      };
      const idle = setTimeout(() => {
        idled.abort();
        hangUp();
      }, DEADLINE_MS[kind]);
      scope.signal.addEventListener("abort", hangUp, { once: true });
      try {
        for await (const message of receive(call, gate)) {
          clearTimeout(idle);
          yield message;
          idle.refresh();
        }
      } catch (error) {
        if (idled.signal.aborted) throw new DomainError("DEADLINE_EXCEEDED");
        throw isServiceError(error) ? fromStatus(error, service) : error;
      } finally {
        clearTimeout(idle);
        scope.signal.removeEventListener("abort", hangUp);
      }
    },

    close() {
      client.close();
    },
  };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}
