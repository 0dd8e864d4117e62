import { status } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ErrorInfo, Status } from "@reelmesh/proto/reelmesh/mesh/v1/status.js";
import type { MethodTraits } from "../definition.js";
import type { AttemptEnd } from "./attempt.js";

const DETAILS = "grpc-status-details-bin";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const PUSHBACK = "grpc-retry-pushback-ms";

/** What a failed attempt allows. */
export interface Verdict {
  /** The server's own wish how long to wait, in milliseconds. Absent: backoff. */
  readonly waitMs?: number | undefined;
  /** Whether the wish is for the first retry, and doubles with each that follows: RetryInfo's does, a pushback is exact. */
  readonly doubles?: boolean;
  /** Whether no server worked on the attempt: what was never sent, or refused unread as its connection closed. */
  readonly free: boolean;
}

/**
 * Whether an attempt that failed may be followed by another (AIP-194; gRPC proposal A6).
 *
 * - What was never sent, or was refused before it was looked at: whatever the method.
 * - What a server shed, if it says when to come back: whatever the method, since it did not begin.
 * - UNAVAILABLE, and whatever died with its HTTP/2 session: idempotent methods.
 * - A server that forbids it (a negative pushback) is obeyed.
 *
 * @param service the service called: a failure that it only passes on was retried where it happened.
 */
export function judge(end: AttemptEnd, level: MethodTraits["idempotency"], service: string): Verdict | undefined {
  const stated = statedIn(end);
  const pushback = pushbackOf(end);
  if (pushback !== undefined && !(pushback >= 0)) return undefined;
  const waitMs = pushback ?? stated?.retryDelayMs;
  const doubles = pushback === undefined;
  const idempotent = level !== "none";
  if (!end.sent) return end.code === status.UNAVAILABLE ? { waitMs, free: true } : undefined;

  switch (end.code) {
    case status.UNAVAILABLE:
      if (stated?.service !== undefined && stated.service !== service) return undefined;
      if (wasRefused(end)) return { waitMs, free: true };
      return idempotent ? { waitMs, doubles, free: false } : undefined;
    case status.RESOURCE_EXHAUSTED:
      if (!stated) return idempotent && end.details === SESSION_CALMED ? { free: false } : undefined;
      return waitMs !== undefined && stated.reason === SHED ? { waitMs, doubles, free: false } : undefined;
    case status.INTERNAL:
    case status.CANCELLED:
      return idempotent && !stated && diedWithSession(end) ? { free: false } : undefined;
    default:
      return undefined;
  }
}

/** The reason that a server's own shedding bears; a full store bears another, and stays full. */
const SHED = "OVERLOADED";

/*
 * grpc-js keeps a stream's reset code to itself; its texts tell (subchannel-call.ts). It repeats once, by itself, what
 * was refused or is above a GOAWAY's last stream, which is why a refusal is seen only when it happened twice.
 */
const SESSION_CALMED = "Bandwidth exhausted or memory limit exceeded";

function wasRefused({ details }: AttemptEnd): boolean {
  return details === "Stream refused by server";
}

function diedWithSession({ details }: AttemptEnd): boolean {
  return details.startsWith("Received RST_STREAM with code ") || details === "Call cancelled";
}

/** The server's pushback in milliseconds; NaN for what cannot be read, which forbids a retry as a negative one does. */
function pushbackOf({ metadata }: AttemptEnd): number | undefined {
  const [given] = metadata.get(PUSHBACK);
  if (given === undefined) return undefined;
  return typeof given === "string" && /^-?\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
}

interface Stated {
  readonly reason?: string | undefined;
  /** The service that failed, where the error names one. */
  readonly service?: string | undefined;
  readonly retryDelayMs?: number | undefined;
}

/** What google.rpc.Status in the trailers says; undefined where there is none. */
function statedIn({ metadata }: AttemptEnd): Stated | undefined {
  const [packed] = metadata.get(DETAILS);
  if (!Buffer.isBuffer(packed)) return undefined;
  try {
    const stated: { -readonly [K in keyof Stated]: Stated[K] } = {};
    for (const { typeUrl, value } of Status.decode(packed).details) {
      if (typeUrl === RETRY_INFO) stated.retryDelayMs = retryDelayMs(value);
      if (typeUrl !== ERROR_INFO) continue;
      const info = ErrorInfo.decode(value);
      stated.reason = info.reason;
      stated.service = info.metadata.service;
    }
    return stated;
  } catch {
    return {};
  }
}

/** google.rpc.RetryInfo: its one field is a Duration. */
function retryDelayMs(info: Uint8Array): number | undefined {
  const reader = new BinaryReader(info);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== 1) {
      reader.skip(type, field);
      continue;
    }
    const { seconds, nanos } = fromBinary(DurationSchema, reader.bytes());
    return Math.max(0, Number(seconds) * 1000 + nanos / 1e6);
  }
  return 0;
}
