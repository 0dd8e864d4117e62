/** The largest share of the remaining time that a hop keeps for itself, and its bound in milliseconds. */
const HOP_SHARE = 0.05;
const HOP_MS = 20;

/**
 * When a call is given up, in milliseconds since the epoch: after the time of its kind, or earlier when its scope ends
 * earlier. Of a scope's time 5%, at most 20 ms, stay with the caller, who still has to say what went wrong.
 *
 * @returns Infinity when neither sets a limit.
 */
export function deadlineOf(now: number, kindMs: number, scopeDeadline: number | undefined): number {
  const own = now + kindMs;
  if (scopeDeadline === undefined) return own;
  const remaining = Math.max(0, scopeDeadline - now);
  return Math.min(own, scopeDeadline - Math.min(HOP_MS, remaining * HOP_SHARE));
}

/** A time span as `grpc-timeout` carries it: at most eight digits and a unit (gRPC over HTTP/2, "Timeout"). */
export function grpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < 1e8) return `${whole}m`;
  return `${Math.min(99_999_999, Math.ceil(whole / 1000))}S`;
}
