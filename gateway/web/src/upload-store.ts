import { createStore } from "./store.js";
import { reduceUploads, type UploadEvent, type UploadItem } from "./upload-state.js";

/** The uploads of this person that are not over, and those that this page finished. */
export const uploads = createStore<readonly UploadItem[]>([]);

/** Ids of uploads that were cancelled here, though the server may still list them. */
export const cancelled = new Set<string>();

export function dispatch(event: UploadEvent): void {
  uploads.update((items) => reduceUploads(items, event));
}

export function findUpload(key: string): UploadItem | undefined {
  return uploads.get().find((item) => item.key === key);
}
