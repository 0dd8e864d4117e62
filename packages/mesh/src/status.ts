import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, status, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { ErrorInfo, Status } from "@reelmesh/proto/reelmesh/mesh/v1/status.js";
import { DomainError, isReason, type Reason } from "./errors.js";

const DETAILS = "grpc-status-details-bin";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const DOMAIN = "reelmesh";
/** After how many milliseconds it is worth trying again (google.rpc.RetryInfo). */
const RETRY_AFTER_MS: Partial<Record<Reason, number>> = { OVERLOADED: 100, SERVICE_UNAVAILABLE: 20 };
/** Trailers beyond 48 KB hang the call; the details stay under 8 KB, and a sentence can swell to three times its size. */
const LONGEST_SENTENCE_BYTES = 1024;
const LONGEST_VALUE_BYTES = 512;
const LONGEST_METADATA_BYTES = 4096;

/** An error as it leaves a server: its status, and a google.rpc.Status with ErrorInfo in the trailers (AIP-193). */
export function toStatus(error: DomainError): StatusObject {
  const info = ErrorInfo.fromPartial({ reason: error.reason, domain: DOMAIN, metadata: shortened(error.metadata) });
  const retryAfterMs = RETRY_AFTER_MS[error.reason];
  const details = cut(error.message, LONGEST_SENTENCE_BYTES);
  const body = Status.fromPartial({
    code: error.code,
    message: details,
    details: [
      { typeUrl: ERROR_INFO, value: Buffer.from(ErrorInfo.encode(info).finish()) },
      ...(retryAfterMs === undefined ? [] : [{ typeUrl: RETRY_INFO, value: retryInfo(retryAfterMs) }]),
    ],
  });
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.from(Status.encode(body).finish()));
  return { code: error.code, details, metadata };
}

/** An error as it arrives at a client: what the service said, or what its silence means. */
export function fromStatus(error: ServiceError, service: string): DomainError {
  const stated = statedError(error);
  if (stated) return stated;
  const silent = new DomainError<Reason>(reasonOf(error.code), { service });
  // For the log alone: it may name addresses.
  silent.cause = error;
  return silent;
}

/** A google.rpc.RetryInfo: its first field a google.protobuf.Duration of seconds and nanos. */
function retryInfo(ms: number): Buffer {
  const writer = new BinaryWriter();
  writer.uint32((1 << 3) | 2).fork();
  writer.uint32(1 << 3).int64(Math.floor(ms / 1000));
  writer.uint32(2 << 3).int32((ms % 1000) * 1_000_000);
  return Buffer.from(writer.join().finish());
}

/** As much of an error's metadata as fits. */
function shortened(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata)) {
    const short = cut(value, LONGEST_VALUE_BYTES);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(short);
    if (bytes <= LONGEST_METADATA_BYTES) kept[key] = short;
  }
  return kept;
}

/** Cuts a text to about so many bytes. What comes back is well-formed: half a surrogate pair in a trailer is fatal. */
function cut(text: string, bytes: number): string {
  return Buffer.from(text).subarray(0, bytes).toString();
}

function statedError(error: ServiceError): DomainError | undefined {
  const [packed] = error.metadata.get(DETAILS);
  if (!Buffer.isBuffer(packed)) return undefined;
  try {
    const info = Status.decode(packed).details.find((detail) => detail.typeUrl === ERROR_INFO);
    if (!info) return undefined;
    const { reason, domain, metadata } = ErrorInfo.decode(info.value);
    return domain === DOMAIN && isReason(reason) ? new DomainError<Reason>(reason, metadata) : undefined;
  } catch {
    // Not written by a service of ours: its status alone counts.
    return undefined;
  }
}

function reasonOf(code: status): Reason {
  switch (code) {
    case status.UNAVAILABLE:
    // A server that is cut off cancels its streams; what the caller itself cancels does not come here.
    case status.CANCELLED:
      return "SERVICE_UNAVAILABLE";
    case status.DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case status.UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    default:
      return "INTERNAL";
  }
}
