import type { CallScope } from "./call.js";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition, Sparse } from "./definition.js";

/** One method, called. The scope's deadline, cancellation, request id and principal go along. */
export type ClientMethod<M extends MethodDefinition> = M["responseStream"] extends true
  ? (request: Sparse<RequestOf<M>>, scope: CallScope) => AsyncIterable<ResponseOf<M>>
  : (request: Sparse<RequestOf<M>>, scope: CallScope) => Promise<ResponseOf<M>>;

/** A service, called. Every failure is a DomainError. */
export type Client<S extends ServiceDefinition> = { readonly [M in keyof S["methods"]]: ClientMethod<S["methods"][M]> };

/** Calls a unary method by its path, `/package.Service/Method`, with serialized messages. Rejects with DomainError. */
export type RawCaller = (path: string, request: Uint8Array, scope: CallScope) => Promise<Uint8Array>;
