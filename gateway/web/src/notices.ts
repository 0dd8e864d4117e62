import { createStore } from "./store.js";

export interface Notice {
  readonly key: number;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Called when it goes away without its action having been taken. */
  readonly onExpire?: () => void;
}

export const notices = createStore<readonly Notice[]>([]);
/** What screen readers are told, besides notices. */
export const announcement = createStore("");

let lastKey = 0;

export function notify(text: string, options: Pick<Notice, "action" | "onExpire"> = {}): void {
  lastKey += 1;
  const notice = { key: lastKey, text, ...options };
  notices.update((current) => [...current, notice]);
}

export function act(notice: Notice): void {
  remove(notice);
  notice.action?.run();
}

export function expire(notice: Notice): void {
  if (!notices.get().includes(notice)) return;
  remove(notice);
  notice.onExpire?.();
}

function remove(notice: Notice): void {
  notices.update((current) => current.filter((other) => other !== notice));
}

export function announce(text: string): void {
  announcement.set(text);
}
