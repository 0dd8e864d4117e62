import { CallKind, MethodPolicy } from "@reelmesh/proto/reelmesh/mesh/v1/method.js";

/** A message type as ts-proto generates it. */
export interface MessageType {
  encode(message: unknown): { finish(): Uint8Array };
  decode(input: Uint8Array): unknown;
  fromPartial(object: unknown): unknown;
}

/** A method as ts-proto's generic definitions describe it. */
export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageType;
  readonly requestStream: boolean;
  readonly responseType: MessageType;
  readonly responseStream: boolean;
  readonly options: {
    readonly idempotencyLevel?: "IDEMPOTENT" | "NO_SIDE_EFFECTS";
    readonly _unknownFields?: Readonly<Record<number, readonly Uint8Array[]>>;
  };
}

/** A service as ts-proto's generic definitions describe it. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type Message<T extends MessageType> = T extends { decode(input: Uint8Array): infer M } ? M : never;

/** What a method takes, whole. */
export type RequestOf<M extends MethodDefinition> = Message<M["requestType"]>;
/** What a method answers, whole. */
export type ResponseOf<M extends MethodDefinition> = Message<M["responseType"]>;

type Leaf = string | number | bigint | boolean | Date | Uint8Array | undefined;

/** A message of which only what differs from the default is given. */
export type Sparse<T> = T extends Leaf
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Sparse<Item>[]
    : T extends { $case: string }
      ? { [K in keyof T]: K extends "$case" ? T[K] : Sparse<T[K]> }
      : { [K in keyof T]?: Sparse<T[K]> | undefined };

/** What the mesh knows of a method. */
export interface MethodTraits {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly kind: "unary" | "stream" | "long poll";
  /** Whether repeating the call changes nothing further, and whether the call changes anything at all. */
  readonly idempotency: "NO_SIDE_EFFECTS" | "IDEMPOTENT" | "none";
  readonly requestBytesField: number;
  readonly responseBytesField: number;
}

/** The number of the option `reelmesh.mesh.v1.policy`, and its tag: the wire type is that of a message. */
export const POLICY = 50_100;
const POLICY_TAG = (POLICY << 3) | 2;

/**
 * Reads a method's traits from its contract.
 *
 * @throws Error for a method with a request stream, which the mesh does not carry.
 */
export function traitsOf(service: ServiceDefinition, method: MethodDefinition): MethodTraits {
  const path = `/${service.fullName}/${method.name}`;
  if (method.requestStream) throw new Error(`${path} takes a stream of requests, which the mesh does not carry`);
  const [option] = method.options._unknownFields?.[POLICY_TAG] ?? [];
  const policy = policyOf(option);
  return {
    path,
    kind: kindOf(method.responseStream, option),
    idempotency: method.options.idempotencyLevel ?? "none",
    requestBytesField: policy.requestBytesField,
    responseBytesField: policy.responseBytesField,
  };
}

/** @param option the option's bytes as an unknown field keeps them. */
export function kindOf(responseStream: boolean, option: Uint8Array | undefined): MethodTraits["kind"] {
  if (responseStream) return "stream";
  return policyOf(option).kind === CallKind.LONG_POLL ? "long poll" : "unary";
}

function policyOf(option: Uint8Array | undefined): MethodPolicy {
  // An unknown field is kept with its length in front, a single byte for so short a message.
  return option ? MethodPolicy.decode(option.subarray(1)) : MethodPolicy.fromPartial({});
}
