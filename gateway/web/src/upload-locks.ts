/** Tells this person's tabs which of them carries which upload. Works where the browser has locks: over HTTPS or locally. */

const PREFIX = "reelmesh.upload.";

const supported = () => "locks" in navigator;

/** Marks an upload as carried by this tab until it is let go, or the tab is closed. @returns what lets it go. */
export function holdUpload(uploadId: string): () => void {
  if (!supported()) return () => undefined;
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  void navigator.locks.request(`${PREFIX}${uploadId}`, { ifAvailable: true }, () => held);
  return letGo;
}

/** The uploads that some tab carries. */
export async function heldUploads(): Promise<ReadonlySet<string>> {
  if (!supported()) return new Set();
  const { held = [] } = await navigator.locks.query();
  return new Set(held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
}
