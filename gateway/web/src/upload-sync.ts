import { api } from "./api.js";
import { catchUpLibrary, lastChange } from "./library.js";
import { idOf, type StoredUpload, type Visibility } from "./model.js";
import { notify } from "./notices.js";
import { heldUploads } from "./upload-locks.js";
import { isPassive, type UploadItem } from "./upload-state.js";
import { cancelled, dispatch, findUpload, uploads } from "./upload-store.js";
import { words } from "./words.js";

/** How often uploads that another tab or the server itself moves on are looked at. */
const SYNC_MS = 10_000;

/** Changes title or visibility of a video that is on its way, or just arrived. */
export function editUpload(key: string, edit: { readonly title?: string; readonly visibility?: Visibility }): void {
  dispatch({ type: "edited", key, ...edit });
  void saveEdits(key);
}

/** Brings the server what was edited here, once it knows the video. Never fails: what it refuses is taken back. */
export async function saveEdits(key: string): Promise<void> {
  const item = findUpload(key);
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

/** Call once. */
export function startSync(): void {
  void syncUploads();
  setInterval(() => {
    if (document.visibilityState === "visible" && uploads.get().some(isPassive)) void syncUploads();
  }, SYNC_MS);
  lastChange.subscribe(followVideos);
}
