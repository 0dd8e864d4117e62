import { status } from "@grpc/grpc-js";

/**
 * Every error a service may answer with: the gRPC status it leaves as and the sentence it says, whose `{words}` are
 * the metadata it takes. The edge maps the status to HTTP (google/rpc/code.proto).
 */
export const ERRORS = {
  INVALID_FIELD: { code: status.INVALID_ARGUMENT, message: "{field}: {problem}" },
  CHECKSUM_MISMATCH: { code: status.INVALID_ARGUMENT, message: "The bytes of {resource} do not match their checksum." },
  TOO_LARGE: { code: status.INVALID_ARGUMENT, message: "{resource} is too large: the limit is {limit_bytes} bytes." },
  SIGN_IN_REQUIRED: { code: status.UNAUTHENTICATED, message: "Sign in first." },
  TOKEN_INVALID: { code: status.UNAUTHENTICATED, message: "The token is not valid: {problem}." },
  NOT_PERMITTED: { code: status.PERMISSION_DENIED, message: "You may not {action}." },
  CAPABILITY_INVALID: { code: status.PERMISSION_DENIED, message: "The capability does not allow this: {problem}." },
  GRANT_INVALID: { code: status.PERMISSION_DENIED, message: "The link to this video is no longer valid: {problem}." },
  RESOURCE_NOT_FOUND: { code: status.NOT_FOUND, message: "{resource} was not found." },
  OBJECT_EXISTS: { code: status.ALREADY_EXISTS, message: "{resource} exists already." },
  WRONG_STATE: { code: status.FAILED_PRECONDITION, message: "{resource} is {state}: {problem}." },
  BLOCK_NOT_STAGED: { code: status.FAILED_PRECONDITION, message: "Block {block} of {resource} was not staged." },
  TOO_MANY_PIECES: {
    code: status.FAILED_PRECONDITION,
    message: "{resource} came in too many small pieces: {problem}.",
  },
  NOT_PLAYABLE: { code: status.FAILED_PRECONDITION, message: "{problem}" },
  ETAG_MISMATCH: { code: status.ABORTED, message: "{resource} has changed since you read it: read it again." },
  OFFSET_MISMATCH: { code: status.ABORTED, message: "{resource} stands at {offset}: go on from there." },
  WRITE_SUPERSEDED: { code: status.ABORTED, message: "Another writer took over {resource}." },
  RANGE_NOT_SATISFIABLE: { code: status.OUT_OF_RANGE, message: "{resource} has only {size_bytes} bytes." },
  NO_SPACE: {
    code: status.RESOURCE_EXHAUSTED,
    message: "The store is full: nothing was lost, try again when there is room.",
  },
  OVERLOADED: {
    code: status.RESOURCE_EXHAUSTED,
    message: "The service {service} has too much to do: try again shortly.",
  },
  OBJECT_DAMAGED: { code: status.DATA_LOSS, message: "{resource} is damaged: {problem}." },
  STORE_UNAVAILABLE: { code: status.UNAVAILABLE, message: "The store does not answer: try again shortly." },
  NEWER_DATA: {
    code: status.UNAVAILABLE,
    message:
      "{resource} was written by a newer version (schema {schema}, this one knows {known}): update this service.",
  },
  RESTORING: {
    code: status.UNAVAILABLE,
    message: "A backup is being restored: everything answers when `reelmesh admin restore` has ended.",
  },
  SERVICE_UNAVAILABLE: {
    code: status.UNAVAILABLE,
    message: "The service {service} does not answer: try again shortly.",
  },
  DEADLINE_EXCEEDED: { code: status.DEADLINE_EXCEEDED, message: "It took too long." },
  CANCELLED: { code: status.CANCELLED, message: "The caller went away." },
  UNIMPLEMENTED: { code: status.UNIMPLEMENTED, message: "The service does not offer this." },
  INTERNAL: { code: status.INTERNAL, message: "Something went wrong on our side." },
} as const satisfies Record<string, { code: status; message: string }>;

/** The constant name of one kind of error. */
export type Reason = keyof typeof ERRORS;

type Words<Text extends string> = Text extends `${string}{${infer Word}}${infer Rest}` ? Word | Words<Rest> : never;

/** What an error of this reason is about. */
export type ErrorMetadata<R extends Reason> = Readonly<Record<Words<(typeof ERRORS)[R]["message"]>, string>>;

/** Nothing for a reason without words; anything for a reason that is only known at run time. */
type MetadataArguments<R extends Reason> = [Reason] extends [R]
  ? [Readonly<Record<string, string>>]
  : [keyof ErrorMetadata<R>] extends [never]
    ? []
    : [ErrorMetadata<R> & Readonly<Record<string, string>>];

/** Whether `name` is a reason of the table. */
export function isReason(name: string): name is Reason {
  return Object.hasOwn(ERRORS, name);
}

/** An error that a caller may see, with all that is said about it. */
export class DomainError<R extends Reason = Reason> extends Error {
  override readonly name = "DomainError";
  readonly reason: R;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: R, ...[metadata]: MetadataArguments<R>) {
    super(sentence(reason, metadata ?? {}));
    this.reason = reason;
    this.metadata = metadata ?? {};
  }

  /** The gRPC status it leaves as. */
  get code(): status {
    return ERRORS[this.reason].code;
  }
}

/** Whether something thrown is a DomainError, of one of `reasons` when any are named. */
export function isDomainError(thrown: unknown, ...reasons: readonly Reason[]): thrown is DomainError {
  const reason = thrown instanceof Error && "reason" in thrown ? thrown.reason : undefined;
  return thrown instanceof DomainError && (reasons.length === 0 || reasons.some((candidate) => candidate === reason));
}

function sentence(reason: Reason, metadata: Readonly<Record<string, string>>): string {
  return ERRORS[reason].message.replace(/\{(\w+)\}/g, (_, word: string) => metadata[word] ?? "");
}
