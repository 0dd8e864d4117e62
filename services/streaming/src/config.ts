import type { Environment } from "@reelmesh/mesh/environment.js";

/** The streaming service's settings. */
export interface StreamingConfig {
  /** How long a grant opens a video's media: `STREAMING_GRANT_SECONDS`, default 12 h. */
  readonly grantMs: number;
  /** How long the edge may remember an access: `STREAMING_ACCESS_SECONDS`, default and at most a minute. */
  readonly accessMs: number;
}

/** Reads the streaming service's settings. */
export function readConfig(environment: Environment): StreamingConfig {
  return {
    grantMs: environment.integer("STREAMING_GRANT_SECONDS", { default: 43_200, min: 60, max: 43_200 }) * 1000,
    accessMs: environment.integer("STREAMING_ACCESS_SECONDS", { default: 60, min: 1, max: 60 }) * 1000,
  };
}
