import { status } from "@grpc/grpc-js";
import { DomainError, isDomainError, type Reason } from "@reelmesh/mesh/errors.js";
import type { ServerResponse } from "node:http";

/** HTTP statuses by gRPC status, as google/rpc/code.proto gives them. */
const HTTP_STATUS = {
  [status.OK]: 200,
  [status.CANCELLED]: 499,
  [status.UNKNOWN]: 500,
  [status.INVALID_ARGUMENT]: 400,
  [status.DEADLINE_EXCEEDED]: 504,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.PERMISSION_DENIED]: 403,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.FAILED_PRECONDITION]: 400,
  [status.ABORTED]: 409,
  [status.OUT_OF_RANGE]: 400,
  [status.UNIMPLEMENTED]: 501,
  [status.INTERNAL]: 500,
  [status.UNAVAILABLE]: 503,
  [status.DATA_LOSS]: 500,
  [status.UNAUTHENTICATED]: 401,
} as const satisfies Record<status, number>;

/** Reasons for which HTTP has a more telling status than their gRPC status maps to. */
const HTTP_STATUS_OF_REASON: Partial<Record<Reason, number>> = {
  NO_SPACE: 507,
  OVERLOADED: 503,
  TOO_LARGE: 413,
  RANGE_NOT_SATISFIABLE: 416,
};

/** What only HTTP can get wrong, with the status it answers and the sentence it says. */
const EDGE_ERRORS = {
  MALFORMED_TARGET: { status: 400, message: "The request's target is not a path of printable ASCII characters." },
  ORIGIN_NOT_ALLOWED: { status: 403, message: "Pages of other sites may not change anything here." },
  METHOD_NOT_ALLOWED: { status: 405, message: "This path does not offer the request's method." },
  TUS_VERSION_NOT_SUPPORTED: { status: 412, message: "Say Tus-Resumable: 1.0.0, the version spoken here." },
  BODY_TOO_SLOW: { status: 408, message: "The body took too long to arrive." },
  PRECONDITION_FAILED: { status: 412, message: "The request's precondition does not hold." },
  MEDIA_TYPE_NOT_SUPPORTED: { status: 415, message: "The body has to be application/json in UTF-8, not encoded." },
  BODY_NOT_OFFSET_BYTES: { status: 415, message: "The body has to be application/offset+octet-stream." },
  HOST_NOT_SERVED: { status: 421, message: "This server does not answer for the host that was asked." },
  /** The tus protocol's own status. */
  BODY_CHECKSUM_MISMATCH: { status: 460, message: "The body does not match its checksum: nothing of it was kept." },
} as const satisfies Record<string, { status: number; message: string }>;

/** The constant name of one kind of error that only HTTP knows. */
export type EdgeReason = keyof typeof EDGE_ERRORS;

/** A request that fails before any service could be asked. */
export class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly reason: EdgeReason;
  readonly headers: Readonly<Record<string, string>>;

  /** @param headers - what the answer says besides, such as `allow`. */
  constructor(reason: EdgeReason, headers: Readonly<Record<string, string>> = {}) {
    super(EDGE_ERRORS[reason].message);
    this.reason = reason;
    this.headers = headers;
  }

  get status(): number {
    return EDGE_ERRORS[this.reason].status;
  }
}

/** RFC 9457, extended by `reason` and by what the error is about, such as `field` or `limit_bytes`. */
export interface ProblemDetails {
  /** `urn:reelmesh:error:{reason}`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The request's id. */
  readonly instance?: string;
  readonly reason: string;
  readonly [about: string]: string | number | undefined;
}

/** An error as HTTP says it. */
export interface Problem {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemDetails;
  /** Nobody foresaw this error: it leaves with fixed text, and its stack belongs in the log. */
  readonly unexpected: boolean;
}

/** The only mapping of errors to HTTP. Whatever is not a DomainError or EdgeError becomes INTERNAL. */
export function problemOf(error: unknown, requestId?: string): Problem {
  const known = isDomainError(error) || error instanceof EdgeError ? error : new DomainError("INTERNAL");
  const httpStatus = known instanceof EdgeError ? known.status : httpStatusOf(known);
  return {
    status: httpStatus,
    headers: { "cache-control": "no-store", "content-type": "application/problem+json", ...headersOf(known) },
    body: {
      ...(isDomainError(known) ? known.metadata : {}),
      type: `urn:reelmesh:error:${known.reason}`,
      title: inWords(known.reason),
      status: httpStatus,
      detail: known.message,
      ...(requestId === undefined ? {} : { instance: requestId }),
      reason: known.reason,
    },
    unexpected: known !== error,
  };
}

/**
 * Ends the response with the error. A response that has begun is cut off, so that nobody takes it for whole.
 *
 * @returns what was said; the caller logs the error when it is unexpected.
 */
export function sendProblem(response: ServerResponse, error: unknown, requestId: string): Problem {
  const problem = problemOf(error, requestId);
  if (response.headersSent) {
    response.destroy();
    return problem;
  }
  const body = Buffer.from(JSON.stringify(problem.body));
  const headers = { ...problem.headers, "x-content-type-options": "nosniff", "content-length": body.length };
  response.writeHead(problem.status, headers).end(body);
  return problem;
}

function httpStatusOf(error: DomainError): number {
  return HTTP_STATUS_OF_REASON[error.reason] ?? HTTP_STATUS[error.code];
}

function headersOf(error: DomainError | EdgeError): Readonly<Record<string, string>> {
  if (error instanceof EdgeError) return error.headers;
  if (httpStatusOf(error) === 503) return { "retry-after": "1" };
  if (error.code === status.UNAUTHENTICATED) return { "www-authenticate": 'Bearer realm="reelmesh"' };
  return {};
}

/** `RESOURCE_NOT_FOUND` -> `Resource not found`. */
function inWords(reason: string): string {
  return reason.charAt(0) + reason.slice(1).toLowerCase().replaceAll("_", " ");
}
