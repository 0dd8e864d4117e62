import { Metadata, status, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { ErrorInfo, Status } from "@reelmesh/proto/reelmesh/mesh/v1/status.js";
import { DomainError, isReason, type Reason } from "./errors.js";

const DETAILS = "grpc-status-details-bin";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const DOMAIN = "reelmesh";
/** Trailers beyond 48 KB hang the call; a value is cut long before. */
const LONGEST_VALUE = 500;

/** An error as it leaves a server: its status, and a google.rpc.Status with ErrorInfo in the trailers (AIP-193). */
export function toStatus(error: DomainError): StatusObject {
  const entries = Object.entries(error.metadata).map(([key, value]) => [key, value.slice(0, LONGEST_VALUE)] as const);
  const metadataValues: Record<string, string> = Object.fromEntries(entries);
  const info = ErrorInfo.fromPartial({ reason: error.reason, domain: DOMAIN, metadata: metadataValues });
  const details = error.message.slice(0, 4 * LONGEST_VALUE);
  const body = Status.fromPartial({
    code: error.code,
    message: details,
    details: [{ typeUrl: ERROR_INFO, value: Buffer.from(ErrorInfo.encode(info).finish()) }],
  });
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.from(Status.encode(body).finish()));
  return { code: error.code, details, metadata };
}

/** An error as it arrives at a client: what the service said, or what its silence means. */
export function fromStatus(error: ServiceError, service: string): DomainError {
  return statedError(error) ?? new DomainError<Reason>(reasonOf(error.code), { service, cause: error.details });
}

function statedError(error: ServiceError): DomainError | undefined {
  const [packed] = error.metadata.get(DETAILS);
  if (!Buffer.isBuffer(packed)) return undefined;
  const info = Status.decode(packed).details.find((detail) => detail.typeUrl === ERROR_INFO);
  if (!info) return undefined;
  const { reason, domain, metadata } = ErrorInfo.decode(info.value);
  return domain === DOMAIN && isReason(reason) ? new DomainError<Reason>(reason, metadata) : undefined;
}

function reasonOf(code: status): Reason {
  switch (code) {
    case status.UNAVAILABLE:
      return "SERVICE_UNAVAILABLE";
    case status.DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case status.CANCELLED:
      return "CANCELLED";
    case status.UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    default:
      return "INTERNAL";
  }
}
