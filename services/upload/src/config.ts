import { readDocuments } from "@reelmesh/documents/config.js";
import type { DocumentsLocation } from "@reelmesh/documents/open.js";
import { readEvents, type EventsLocation } from "@reelmesh/events/config.js";
import type { Environment } from "@reelmesh/mesh/environment.js";

/** The upload service's settings. */
export interface UploadConfig {
  readonly documents: DocumentsLocation;
  readonly events: EventsLocation;
  /** The largest file: `UPLOAD_MAX_BYTES`, default 64 GiB. */
  readonly maxBytes: number;
  /** How long an upload is kept without a new byte: `UPLOAD_EXPIRE_SECONDS`, default 24 h. */
  readonly keepMs: number;
  /** How often unfinished work is taken up again: `UPLOAD_RECONCILE_SECONDS`, default 15. */
  readonly reconcileEveryMs: number;
  /** How often sources are swept whose video is gone: `UPLOAD_SWEEP_SECONDS`, default 10 min. */
  readonly sweepEveryMs: number;
  /** How old a source must be to be swept: `UPLOAD_SWEEP_AGE_SECONDS`, default 1 h. */
  readonly sweepAgeMs: number;
}

const GIB = 2 ** 30;
const DAY = 86_400;

/** Reads the upload service's settings. */
export function readConfig(environment: Environment): UploadConfig {
  const seconds = (variable: string, value: number, min = 1) =>
    environment.integer(variable, { default: value, min, max: 365 * DAY }) * 1000;
  return {
    documents: readDocuments(environment, "upload"),
    events: readEvents(environment),
    maxBytes: environment.integer("UPLOAD_MAX_BYTES", { default: 64 * GIB, min: 1, max: 128 * GIB }),
    keepMs: seconds("UPLOAD_EXPIRE_SECONDS", DAY),
    reconcileEveryMs: seconds("UPLOAD_RECONCILE_SECONDS", 15),
    sweepEveryMs: seconds("UPLOAD_SWEEP_SECONDS", 600),
    sweepAgeMs: seconds("UPLOAD_SWEEP_AGE_SECONDS", 3600, 0),
  };
}
