import { api } from "./api.js";
import { formatBytes } from "./format.js";
import { announce, notify } from "./notices.js";
import { isSameFile, refusal } from "./upload-files.js";
import { dropFile, fileOf, retryNow, startWaiting, stopSending, takeFile } from "./upload-queue.js";
import { isActive, newUpload, type UploadItem } from "./upload-state.js";
import { cancelled, dispatch, findUpload, uploads } from "./upload-store.js";
import { startSync, syncUploads } from "./upload-sync.js";
import { words } from "./words.js";

/** What people do with uploads. */

let lastKey = 0;

const isOver = ({ phase }: UploadItem) => phase === "done" || phase === "rejected";
const canContinue = ({ phase }: UploadItem) => phase === "interrupted" || phase === "paused" || phase === "failed";

/** Takes files from a person: goes on with those that were interrupted, starts the others. */
export function addFiles(files: Iterable<File>): void {
  dispatch({ type: "added", items: Array.from(files).flatMap(addFile) });
  startWaiting();
}

function addFile(file: File): UploadItem[] {
  const earlier = uploads.get().find((item) => !isOver(item) && isSameFile(file, item));
  if (earlier) {
    if (canContinue(earlier)) continueUpload(earlier.key, file);
    else notify(words.upload.duplicate(earlier.title));
    return [];
  }
  lastKey += 1;
  const item = newUpload(`new-${String(lastKey)}`, file, "PRIVATE");
  const why = refusal(file);
  if (why === "") takeFile(item.key, file);
  announce(why === "" ? words.upload.announceStart(item.title) : words.upload.announceFailed(item.title, why));
  return [why === "" ? item : { ...item, phase: "rejected", note: why }];
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
  const item = findUpload(key);
  if (!item) return;
  if (!isSameFile(file, item)) {
    notify(words.upload.refused.other(item.filename, formatBytes(item.sizeBytes)));
    return;
  }
  takeFile(key, file);
  dispatch({ type: "phase", key, phase: "waiting" });
  startWaiting();
}

export function pauseUpload(key: string): void {
  stopSending(key);
  dispatch({ type: "phase", key, phase: "paused" });
  startWaiting();
}

/** Goes on after a pause or a failure. */
export function resumeUpload(key: string): void {
  dispatch({ type: "phase", key, phase: "waiting" });
  startWaiting();
}

export function dismissUpload(key: string): void {
  dropFile(key);
  dispatch({ type: "removed", key });
}

/** Takes an upload off the list at once, and off the server unless it is taken back in time. */
export function cancelUpload(key: string): void {
  const item = findUpload(key);
  if (!item) return;
  const file = fileOf(key);
  stopSending(key);
  dismissUpload(key);
  startWaiting();
  cancelled.add(item.uploadId);
  const takeBack = () => {
    cancelled.delete(item.uploadId);
    if (file) takeFile(key, file);
    dispatch({ type: "added", items: [{ ...item, phase: file ? "waiting" : "interrupted" }] });
    startWaiting();
  };
  notify(words.upload.cancelled(item.title), {
    action: { label: words.deleted.undo, run: takeBack },
    onExpire: () => void terminate(item),
  });
}

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

/** Call once. */
export function startUploads(): void {
  startSync();
  window.addEventListener("online", retryNow);
  window.addEventListener("beforeunload", (event) => {
    if (uploads.get().some(isActive)) event.preventDefault();
  });
}
