import type { CallScope } from "./call.js";
import { traitsOfPath } from "./calls/contract-traits.js";
import type { CallShape, Channel } from "./channel.js";
import { createCodec } from "./codec.js";
import {
  traitsOf,
  type MethodDefinition,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
  type Sparse,
} from "./definition.js";
import { asClient } from "./typed.js";

/** One method, called. The scope's deadline, cancellation, request id and principal go along. */
export type ClientMethod<M extends MethodDefinition> = M["responseStream"] extends true
  ? (request: Sparse<RequestOf<M>>, scope: CallScope) => AsyncGenerator<ResponseOf<M>>
  : (request: Sparse<RequestOf<M>>, scope: CallScope) => Promise<ResponseOf<M>>;

/** A service, called. Every failure is a DomainError, or the reason of the scope's own abort. */
export type Client<S extends ServiceDefinition> = { readonly [M in keyof S["methods"]]: ClientMethod<S["methods"][M]> };

/** Calls a unary method by its path, `/package.Service/Method`, with serialized messages. Rejects with DomainError. */
export type RawCaller = (path: string, request: Uint8Array, scope: CallScope) => Promise<Uint8Array>;

/** A client of a service's contract. */
export function createClient<S extends ServiceDefinition>(definition: S, channel: Channel): Client<S> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const shape = shapeOf(definition, method);
    const call = method.responseStream
      ? (request: unknown, scope: CallScope) => channel.stream(shape, request, scope)
      : (request: unknown, scope: CallScope) => channel.unary(shape, request, scope);
    return [key, call] as const;
  });
  return asClient<S>(Object.fromEntries(methods));
}

/** A caller of whichever unary method a path names. */
export function createRawCaller(channel: Channel): RawCaller {
  return async (path, request, scope) => {
    const { kind, idempotency } = traitsOfPath(path);
    const shape: CallShape = { path, kind, idempotency, serialize: asBytes, deserialize: (bytes) => bytes };
    return asBytes(await channel.unary(shape, request, scope));
  };
}

function shapeOf(definition: ServiceDefinition, method: MethodDefinition): CallShape {
  const traits = traitsOf(definition, method);
  const request = createCodec(method.requestType, traits.requestBytesField);
  const response = createCodec(method.responseType, traits.responseBytesField);
  return {
    path: traits.path,
    kind: traits.kind,
    idempotency: traits.idempotency,
    serialize: (message) => request.serialize(method.requestType.fromPartial(message)),
    deserialize: response.deserialize,
  };
}

function asBytes(message: unknown): Buffer {
  if (message instanceof Uint8Array) return Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  throw new TypeError("A raw call deals in bytes");
}
