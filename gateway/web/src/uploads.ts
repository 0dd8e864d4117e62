import { api } from "./api.js";
import { catchUpLibrary, lastChange } from "./library.js";
import { idOf, type StoredUpload, type Visibility } from "./model.js";
import { announce, notify } from "./notices.js";
import { preferences } from "./preferences.js";
import { toProblem, type Problem } from "./problem.js";
import { createStore } from "./store.js";
import { adoptPoster, makeStill, stillOf } from "./posters.js";
import { createTransfer, type Transfer } from "./tus.js";
import { heldUploads, holdUpload } from "./upload-locks.js";
import { isSameFile, refusal, uploadError } from "./upload-files.js";
import { isActive, isPassive, newUpload, reduceUploads, type UploadEvent, type UploadItem } from "./upload-state.js";
import { formatBytes } from "./format.js";
import { words } from "./words.js";

/** At once; the browser opens six connections to a host, and the page needs some itself. */
const PARALLEL = 2;
/** How often uploads that another tab or the server itself moves on are looked at. */
const SYNC_MS = 10_000;

interface Job {
  readonly file: File;
  transfer?: Transfer;
  /** Tells other tabs that this one carries it no more. */
  letGo?: () => void;
  /** It was started over because the server knew it no more. */
  restarted: boolean;
}

/** The uploads of this person that are not over, and those that this page finished. */
export const uploads = createStore<readonly UploadItem[]>([]);
const jobs = new Map<string, Job>();
let lastKey = 0;

function dispatch(event: UploadEvent): void {
  uploads.update((items) => reduceUploads(items, event));
}

const find = (key: string) => uploads.get().find((item) => item.key === key);

/** Takes files from a person: goes on with those that were interrupted, starts the others. */
export function addFiles(files: Iterable<File>): void {
  dispatch({ type: "added", items: Array.from(files).flatMap(addFile) });
  startWaiting();
}

function addFile(file: File): UploadItem[] {
  const earlier = uploads.get().find((item) => item.phase !== "done" && isSameFile(file, item));
  if (earlier && earlier.phase !== "rejected") {
    if (jobs.has(earlier.key)) notify(words.upload.duplicate(earlier.title));
    else continueUpload(earlier.key, file);
    return [];
  }
  lastKey += 1;
  const item = newUpload(`new-${String(lastKey)}`, file, preferences.visibility.get());
  const why = refusal(file);
  if (why === "") take(item.key, file);
  announce(why === "" ? words.upload.announceStart(item.title) : words.upload.announceFailed(item.title, why));
  return [why === "" ? item : { ...item, phase: "rejected", note: why }];
}

function take(key: string, file: File): void {
  jobs.set(key, { file, restarted: false });
  makeStill(key, file);
}

/** Says why something that is no file was not taken. */
export function refuseFolder(name: string): void {
  lastKey += 1;
  const item = newUpload(`new-${String(lastKey)}`, { name, size: 0 }, "PRIVATE");
  dispatch({ type: "added", items: [{ ...item, phase: "rejected", note: words.upload.refused.folder }] });
  announce(words.upload.announceFailed(name, words.upload.refused.folder));
}

/** Goes on with an interrupted upload once its file is at hand again. */
export function continueUpload(key: string, file: File): void {
  const item = find(key);
  if (!item) return;
  if (!isSameFile(file, item)) {
    notify(words.upload.refused.other(item.filename, formatBytes(item.sizeBytes)));
    return;
  }
  take(key, file);
  dispatch({ type: "phase", key, phase: "waiting" });
  startWaiting();
}

function startWaiting(): void {
  const running = uploads.get().filter(({ phase }) => phase === "uploading" || phase === "retrying").length;
  // In the order in which the files came.
  const waiting = Array.from(jobs.keys()).filter((key) => find(key)?.phase === "waiting");
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
  const [item, job] = [find(key), jobs.get(key)];
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
  if (find(key)?.phase === "uploading") job.transfer.start();
}

function onNamed(key: string, job: Job, uploadId: string, video: string, sentAs: UploadItem): void {
  const created = find(key)?.uploadId === "" && video !== "";
  dispatch({ type: "named", key, uploadId, video });
  job.letGo?.();
  job.letGo = holdUpload(uploadId);
  if (created) dispatch({ type: "saved", key, title: sentAs.title, visibility: sentAs.visibility });
  if (video === "") void syncUploads();
  void saveEdits(key);
}

function onSent(key: string, bytes: number): void {
  if (find(key)?.phase === "retrying") dispatch({ type: "phase", key, phase: "uploading" });
  dispatch({ type: "sent", key, bytes, atMs: performance.now() });
}

async function onDone(key: string): Promise<void> {
  const item = find(key);
  if (!item) return;
  drop(key);
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
  const item = find(key);
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

export function pauseUpload(key: string): void {
  jobs.get(key)?.transfer?.pause();
  dispatch({ type: "phase", key, phase: "paused" });
  startWaiting();
}

/** Goes on after a pause or a failure. */
export function resumeUpload(key: string): void {
  dispatch({ type: "phase", key, phase: "waiting" });
  startWaiting();
}

/** Forgets the file. */
function drop(key: string): void {
  jobs.get(key)?.letGo?.();
  jobs.delete(key);
}

export function dismissUpload(key: string): void {
  drop(key);
  dispatch({ type: "removed", key });
}

/** Takes an upload off the list at once, and off the server unless it is taken back in time. */
export function cancelUpload(key: string): void {
  const [item, job] = [find(key), jobs.get(key)];
  if (!item) return;
  job?.transfer?.pause();
  dismissUpload(key);
  startWaiting();
  cancelled.add(item.uploadId);
  notify(words.upload.cancelled(item.title), {
    action: {
      label: words.deleted.undo,
      run: () => {
        cancelled.delete(item.uploadId);
        if (job) jobs.set(key, job);
        dispatch({ type: "added", items: [{ ...item, phase: job ? "waiting" : "interrupted" }] });
        startWaiting();
      },
    },
    onExpire: () => void terminate(item),
  });
}

/** Cancelled here, though the server may still list them. */
const cancelled = new Set<string>();

async function terminate({ uploadId, title }: UploadItem): Promise<void> {
  if (uploadId === "") return;
  try {
    await api.deleteUpload(uploadId);
  } catch {
    cancelled.delete(uploadId);
    notify(words.deleted.failed(title));
    await syncUploads();
  }
}

/** Changes title or visibility of a video that is on its way, or just arrived. */
export function editUpload(key: string, edit: { readonly title?: string; readonly visibility?: Visibility }): void {
  if (edit.visibility) preferences.visibility.set(edit.visibility);
  dispatch({ type: "edited", key, ...edit });
  void saveEdits(key);
}

async function saveEdits(key: string): Promise<void> {
  const item = find(key);
  if (!item || item.video === "") return;
  const { title, visibility, saved } = item;
  if (title === saved.title && visibility === saved.visibility) return;
  dispatch({ type: "saved", key, title, visibility });
  try {
    await api.updateVideo(item.video, { title, visibility });
    if (item.phase === "done") void catchUpLibrary();
  } catch {
    dispatch({ type: "edited", key, title: saved.title, visibility: saved.visibility });
    dispatch({ type: "saved", key, title: saved.title, visibility: saved.visibility });
    notify(words.upload.notSaved(title));
  }
}

/** Takes over what the server knows of unfinished uploads, those of an earlier visit included. */
export async function syncUploads(): Promise<void> {
  let stored: readonly StoredUpload[];
  let carried: ReadonlySet<string>;
  try {
    [stored, carried] = await Promise.all([api.listUploads(), heldUploads()]);
  } catch {
    return;
  }
  const known = new Set(uploads.get().map(({ key }) => key));
  dispatch({ type: "listed", stored: stored.filter(({ name }) => !cancelled.has(idOf(name))), carried });
  for (const item of uploads.get()) if (!known.has(item.key)) void fillIn(item);
}

async function fillIn({ key, video }: UploadItem): Promise<void> {
  try {
    const { title, visibility } = await api.getVideo(video);
    dispatch({ type: "saved", key, title, visibility });
    dispatch({ type: "edited", key, title, visibility });
  } catch {
    // The file's name stands in for the title.
  }
}

/** Keeps the rows of finished uploads true to their videos. */
function followVideos(): void {
  const change = lastChange.get();
  const item = change && uploads.get().find(({ phase, video }) => phase === "done" && video === change.video.name);
  if (!item) return;
  const { key } = item;
  const { title, visibility } = change.video;
  dispatch({ type: "saved", key, title, visibility });
  dispatch(change.gone ? { type: "removed", key } : { type: "edited", key, title, visibility });
}

function retryNow(): void {
  for (const { key, phase } of uploads.get()) {
    const transfer = jobs.get(key)?.transfer;
    if (phase !== "retrying" || !transfer) continue;
    transfer.pause();
    transfer.start();
  }
}

/** Call once. */
export function startUploads(): void {
  void syncUploads();
  setInterval(() => {
    if (document.visibilityState === "visible" && uploads.get().some(isPassive)) void syncUploads();
  }, SYNC_MS);
  lastChange.subscribe(followVideos);
  window.addEventListener("online", retryNow);
  window.addEventListener("beforeunload", (event) => {
    if (uploads.get().some(isActive)) event.preventDefault();
  });
}
