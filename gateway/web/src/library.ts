import { api } from "./api.js";
import { followEvents } from "./events.js";
import { withChange, withFirstPage, withNextPage, withoutVideo, withVideo } from "./library-state.js";
import type { Video, VideoPage } from "./model.js";
import { notify } from "./notices.js";
import { isMine } from "./people.js";
import { toProblem, type Problem } from "./problem.js";
import { createStore } from "./store.js";
import { words } from "./words.js";

/** How old the list may get while somebody looks at it: while changes are told as they happen, and while they are not. */
const REFRESH_MS = { told: 60_000, untold: 15_000 };

export interface Library {
  readonly page: VideoPage;
  /** False until the first page was there. */
  readonly loaded: boolean;
  readonly loadingMore: boolean;
  /** Why the last attempt failed. */
  readonly problem: Problem | undefined;
}

export const library = createStore<Library>({
  page: { videos: [], nextPageToken: "" },
  loaded: false,
  loadingMore: false,
  problem: undefined,
});

/** What this page last did to a video, for whoever shows it elsewhere. */
export const lastChange = createStore<{ readonly video: Video; readonly gone: boolean } | undefined>(undefined);

/** Deleted here, though an answer under way may still list them. */
const hidden = new Set<string>();
let refreshing: Promise<void> | undefined;

function setPage(page: VideoPage): void {
  const videos = page.videos.filter(({ name }) => !hidden.has(name));
  library.update((current) => ({ ...current, page: { ...page, videos }, loaded: true, problem: undefined }));
}

async function fetchFirstPage(): Promise<void> {
  try {
    const fresh = await api.listVideos();
    setPage(withFirstPage(library.get().page, fresh));
  } catch (error) {
    library.update((current) => ({ ...current, problem: toProblem(error) }));
  }
}

/** Never fails: `problem` says what went wrong. */
export function refreshLibrary(): Promise<void> {
  refreshing ??= fetchFirstPage().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

/** Refreshes after everything that happened until now. */
export async function catchUpLibrary(): Promise<void> {
  await refreshing;
  await refreshLibrary();
}

export async function loadMore(): Promise<void> {
  const { page, loadingMore } = library.get();
  if (loadingMore || page.nextPageToken === "") return;
  library.update((current) => ({ ...current, loadingMore: true }));
  try {
    const next = await api.listVideos(page.nextPageToken);
    setPage(withNextPage(library.get().page, next));
  } catch (error) {
    library.update((current) => ({ ...current, problem: toProblem(error) }));
  } finally {
    library.update((current) => ({ ...current, loadingMore: false }));
  }
}

/** Takes over a newer state of a video. */
export function showVideo(video: Video): void {
  hidden.delete(video.name);
  lastChange.set({ video, gone: false });
  const { page, loaded } = library.get();
  const listed = isMine(video) || page.videos.some(({ name }) => name === video.name);
  if (loaded && listed) setPage(withVideo(page, video));
}

/** Takes over what the server tells of a video in the library. */
function takeOver(video: Video): void {
  if (hidden.has(video.name)) return;
  lastChange.set({ video, gone: video.state === "DELETED" });
  const { page, loaded } = library.get();
  if (loaded) setPage(withChange(page, video));
}

function letGo(name: string): void {
  const { page, loaded } = library.get();
  if (loaded) setPage(withoutVideo(page, name));
}

function hide(video: Video): void {
  hidden.add(video.name);
  lastChange.set({ video, gone: true });
  if (library.get().loaded) setPage(withoutVideo(library.get().page, video.name));
}

/** Deletes at once for the eye, then for good; can be taken back. */
export async function deleteVideo(video: Video): Promise<void> {
  hide(video);
  try {
    await api.deleteVideo(video.name);
  } catch {
    showVideo(video);
    notify(words.deleted.failed(video.title));
    return;
  }
  notify(words.deleted.done(video.title), {
    action: { label: words.deleted.undo, run: () => void undelete(video) },
  });
}

async function undelete(video: Video): Promise<void> {
  showVideo(video);
  try {
    showVideo(await api.undeleteVideo(video.name));
    notify(words.deleted.restored(video.title));
  } catch {
    hide(video);
    notify(words.deleted.notRestored(video.title));
  }
}

/** Keeps the list fresh while the page can be seen. @returns what ends it. */
export function followLibrary(): () => void {
  let refreshed = 0;
  const refresh = () => {
    if (document.visibilityState !== "visible") return;
    refreshed = Date.now();
    void refreshLibrary();
  };
  const events = followEvents([], { onOpen: () => void catchUpLibrary(), onVideo: takeOver, onGone: letGo });
  refresh();
  const timer = setInterval(() => {
    const due = Date.now() - refreshed >= REFRESH_MS.told;
    if (due || !events.isOpen()) refresh();
  }, REFRESH_MS.untold);
  document.addEventListener("visibilitychange", refresh);
  window.addEventListener("online", refresh);
  return () => {
    events.stop();
    clearInterval(timer);
    document.removeEventListener("visibilitychange", refresh);
    window.removeEventListener("online", refresh);
  };
}
