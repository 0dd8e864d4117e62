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
  /** Whether repeating the call changes nothing further. */
  readonly idempotent: boolean;
  readonly requestBytesField: number;
  readonly responseBytesField: number;
}

/** The tag of the option `reelmesh.mesh.v1.policy`: its number, and the wire type of a message. */
const POLICY_TAG = (50_100 << 3) | 2;

/**
 * Reads a method's traits from its contract.
 *
 * @throws Error for a method with a request stream, which the mesh does not carry.
 */
export function traitsOf(service: ServiceDefinition, method: MethodDefinition): MethodTraits {
  const path = `/${service.fullName}/${method.name}`;
  if (method.requestStream) throw new Error(`${path} takes a stream of requests, which the mesh does not carry`);
  const policy = policyOf(method);
  return {
    path,
    kind: method.responseStream ? "stream" : policy.kind === CallKind.LONG_POLL ? "long poll" : "unary",
    idempotent: method.options.idempotencyLevel !== undefined,
    requestBytesField: policy.requestBytesField,
    responseBytesField: policy.responseBytesField,
  };
}

function policyOf(method: MethodDefinition): MethodPolicy {
  const [lengthDelimited] = method.options._unknownFields?.[POLICY_TAG] ?? [];
  // ts-proto keeps an unknown field with its length in front, a single byte for so short a message.
  return lengthDelimited ? MethodPolicy.decode(lengthDelimited.subarray(1)) : MethodPolicy.fromPartial({});
}
