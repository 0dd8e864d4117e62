import { api } from "./api.js";
import { catchUpLibrary } from "./library.js";
import { idOf } from "./model.js";
import { announce } from "./notices.js";
import { adoptPoster, makeStill, stillOf } from "./posters.js";
import { toProblem, type Problem } from "./problem.js";
import { createTransfer, type Transfer } from "./tus.js";
import { uploadError } from "./upload-files.js";
import { holdUpload } from "./upload-locks.js";
import type { UploadItem } from "./upload-state.js";
import { dispatch, findUpload, uploads } from "./upload-store.js";
import { saveEdits, syncUploads } from "./upload-sync.js";
import { words } from "./words.js";

/** At once; the browser opens six connections to a host, and the page needs some itself. */
const PARALLEL = 2;

interface Job {
  readonly file: File;
  transfer?: Transfer;
  /** Tells other tabs that this one carries it no more. */
  letGo?: () => void;
  /** It was started over because the server knew it no more. */
  restarted: boolean;
}

const jobs = new Map<string, Job>();

/** Has a file at hand for an upload; `startWaiting` sends it. */
export function takeFile(key: string, file: File): void {
  dropFile(key);
  jobs.set(key, { file, restarted: false });
  makeStill(key, file);
}

/** Forgets the file. */
export function dropFile(key: string): void {
  jobs.get(key)?.letGo?.();
  jobs.delete(key);
}

/** The file at hand for an upload, if there is one. */
export function fileOf(key: string): File | undefined {
  return jobs.get(key)?.file;
}

/** Stops sending; the server keeps what it has. */
export function stopSending(key: string): void {
  jobs.get(key)?.transfer?.pause();
}

/** Starts what waits, in the order in which the files came, as far as there is room. */
export function startWaiting(): void {
  const running = uploads.get().filter(({ phase }) => phase === "uploading" || phase === "retrying").length;
  const waiting = Array.from(jobs.keys()).filter((key) => findUpload(key)?.phase === "waiting");
  for (const key of waiting.slice(0, Math.max(0, PARALLEL - running))) void start(key);
}

async function isOpen(uploadId: string): Promise<boolean> {
  try {
    return (await api.listUploads()).some((upload) => idOf(upload.name) === uploadId);
  } catch {
    // The upload itself will find out.
    return true;
  }
}

async function start(key: string): Promise<void> {
  const [item, job] = [findUpload(key), jobs.get(key)];
  if (!item || !job) return;
  dispatch({ type: "phase", key, phase: "uploading" });
  job.transfer ??= await createTransfer({
    file: job.file,
    uploadId: item.uploadId,
    title: item.title,
    visibility: item.visibility,
    isOpen,
    onNamed: (uploadId, video) => {
      onNamed(key, job, uploadId, video, item);
    },
    onSent: (bytes) => {
      onSent(key, bytes);
    },
    onAcknowledged: (bytes) => {
      dispatch({ type: "acked", key, bytes, atMs: performance.now() });
    },
    onRetrying: () => {
      dispatch({ type: "phase", key, phase: "retrying" });
    },
    onDone: () => void onDone(key),
    onFailed: (problem) => {
      onFailed(key, job, problem);
    },
  });
  // It may have been paused or cancelled while the transfer was made.
  if (findUpload(key)?.phase === "uploading") job.transfer.start();
}

function onNamed(key: string, job: Job, uploadId: string, video: string, sentAs: UploadItem): void {
  const created = findUpload(key)?.uploadId === "" && video !== "";
  dispatch({ type: "named", key, uploadId, video });
  job.letGo?.();
  job.letGo = holdUpload(uploadId);
  if (created) dispatch({ type: "saved", key, title: sentAs.title, visibility: sentAs.visibility });
  if (video === "") void syncUploads();
  void saveEdits(key);
}

function onSent(key: string, bytes: number): void {
  if (findUpload(key)?.phase === "retrying") dispatch({ type: "phase", key, phase: "uploading" });
  dispatch({ type: "sent", key, bytes, atMs: performance.now() });
}

async function onDone(key: string): Promise<void> {
  const item = findUpload(key);
  if (!item) return;
  dropFile(key);
  dispatch({ type: "acked", key, bytes: item.sizeBytes, atMs: performance.now() });
  dispatch({ type: "phase", key, phase: "finishing" });
  startWaiting();
  adoptPoster(item.video, stillOf(key));
  const note = await whyNotPlayable(item.video);
  dispatch({ type: "phase", key, phase: "done", note });
  announce(words.upload.announceDone(item.title));
  void catchUpLibrary();
}

async function whyNotPlayable(video: string): Promise<string> {
  if (video === "") return "";
  try {
    await api.getPlayback(video);
    return "";
  } catch (error) {
    const problem = toProblem(error);
    return problem.reason === "NOT_PLAYABLE" ? problem.detail : "";
  }
}

function onFailed(key: string, job: Job, problem: Problem | undefined): void {
  const item = findUpload(key);
  if (!item) return;
  delete job.transfer;
  const gone = problem?.status === 404 || problem?.status === 410;
  if (gone) dispatch({ type: "named", key, uploadId: "", video: "" });
  if (gone && !job.restarted) {
    job.restarted = true;
    dispatch({ type: "phase", key, phase: "waiting" });
  } else {
    const note = problem ? uploadError(problem, item.sizeBytes) : words.upload.errors.unreadable;
    dispatch({ type: "phase", key, phase: problem?.status === 413 ? "rejected" : "failed", note });
    announce(words.upload.announceFailed(item.title, note));
  }
  startWaiting();
}

/** Tries again at once what waits for its next attempt. */
export function retryNow(): void {
  for (const { key, phase } of uploads.get()) {
    const transfer = jobs.get(key)?.transfer;
    if (phase !== "retrying" || !transfer) continue;
    transfer.pause();
    transfer.start();
  }
}
