import { DetailedError, Upload } from "tus-js-client";
import { idOf, type Visibility } from "./model.js";
import { parseProblem, type Problem } from "./problem.js";
import { FIRST_CHUNK_BYTES, nextChunkBytes } from "./upload-progress.js";
import { newTraceparent } from "./trace.js";
import { videoType } from "./media-types.js";
import { isPassing } from "./upload-files.js";

const ENDPOINT = "/uploads";
/** Some ten minutes of trying; the count starts again whenever bytes get through. */
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000, ...new Array<number>(40).fill(15_000)];

export interface Transfer {
  /** Starts, or goes on from where the server stands. */
  start(): void;
  /** Stops sending; the server keeps what it has. */
  pause(): void;
}

export interface TransferRequest {
  readonly file: File;
  /** Goes on with this upload; empty: looks for an earlier one of the same file, or makes one. */
  readonly uploadId: string;
  readonly title: string;
  readonly visibility: Visibility;
  /** @returns whether the server still waits for the rest of an upload that this browser remembers. */
  readonly isOpen: (uploadId: string) => Promise<boolean>;
  readonly onNamed: (uploadId: string, video: string) => void;
  readonly onSent: (bytes: number) => void;
  readonly onAcknowledged: (bytes: number) => void;
  readonly onRetrying: () => void;
  readonly onDone: () => void;
  /** Called with undefined when the file cannot be read. */
  readonly onFailed: (problem: Problem | undefined) => void;
}

function problemOf(error: Error): Problem | undefined {
  if (!(error instanceof DetailedError)) return undefined;
  const response = error.originalResponse;
  return parseProblem(response?.getStatus() ?? 0, response?.getBody() ?? "");
}

/** Finds the upload to go on with, and forgets those of the same file that the server waits for no more. */
async function resume(upload: Upload, request: TransferRequest): Promise<void> {
  for (const previous of await upload.findPreviousUploads()) {
    const id = idOf(previous.uploadUrl ?? "");
    if (request.uploadId === "" ? await request.isOpen(id) : id === request.uploadId) {
      upload.resumeFromPreviousUpload(previous);
      break;
    }
    if (request.uploadId === "") await upload.options.urlStorage?.removeUpload(previous.urlStorageKey);
  }
  if (upload.url === null && request.uploadId !== "") upload.url = `${ENDPOINT}/${request.uploadId}`;
  // With an endpoint the client would answer any trouble with the existing upload by making another.
  if (upload.url !== null) upload.options.endpoint = null;
}

/** One file on its way over tus 1.0. */
export async function createTransfer(request: TransferRequest): Promise<Transfer> {
  const { file } = request;
  const filetype = videoType(file) || "application/octet-stream";
  let video = "";
  let chunkStartMs = 0;

  const upload = new Upload(file, {
    endpoint: ENDPOINT,
    chunkSize: FIRST_CHUNK_BYTES,
    retryDelays: RETRY_DELAYS_MS,
    metadata: { filename: file.name, filetype, title: request.title, visibility: request.visibility },
    fingerprint: async () => ["reelmesh", file.name, file.size, file.lastModified].join("-"),
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (sent) => {
      sent.setHeader("traceparent", newTraceparent());
      chunkStartMs = performance.now();
    },
    onAfterResponse: (_, response) => {
      video = response.getHeader("Reelmesh-Video") ?? video;
    },
    onUploadUrlAvailable: () => {
      upload.options.endpoint = null;
      request.onNamed(idOf(upload.url ?? ""), video);
    },
    onProgress: request.onSent,
    onChunkComplete: (chunkBytes, acknowledged) => {
      upload.options.chunkSize = nextChunkBytes(chunkBytes, performance.now() - chunkStartMs);
      request.onAcknowledged(acknowledged);
    },
    onShouldRetry: (error) => {
      const passing = isPassing(error.originalResponse?.getStatus() ?? 0);
      if (passing) request.onRetrying();
      return passing;
    },
    onError: (error) => {
      request.onFailed(problemOf(error));
    },
    onSuccess: request.onDone,
  });
  await resume(upload, request);

  return {
    start: () => {
      upload.start();
    },
    pause: () => {
      void upload.abort();
    },
  };
}
