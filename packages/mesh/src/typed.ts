import type { UntypedHandleCall, handleUnaryCall } from "@grpc/grpc-js";
import type { Client } from "./client.js";
import type { ServiceDefinition } from "./definition.js";

/*
 * The seams where a service's generic definition, known only at run time, meets the types derived from it. Each
 * function names what makes the statement true.
 */

/** A client made by walking the definition's own methods has just these methods. */
export function asClient<S extends ServiceDefinition>(methods: Record<string, unknown>): Client<S> {
  return methods as Client<S>;
}

/** A handler paired with its definition by `serve`, which checked the pair, takes what the definition decodes. */
export function asUnaryHandler(handler: unknown): (request: unknown, context: unknown) => Promise<unknown> {
  return handler as (request: unknown, context: unknown) => Promise<unknown>;
}

/** The same for a handler of a method with a response stream. */
export function asStreamHandler(handler: unknown): (request: unknown, context: unknown) => AsyncIterable<unknown> {
  return handler as (request: unknown, context: unknown) => AsyncIterable<unknown>;
}

/** Every method of grpc.channelz.v1 is unary. */
export function asChannelzHandler(handler: UntypedHandleCall): handleUnaryCall<unknown, unknown> {
  return handler as handleUnaryCall<unknown, unknown>;
}
