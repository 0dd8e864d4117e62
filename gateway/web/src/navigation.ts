import { parseRoute } from "./router.js";
import { createStore } from "./store.js";
import { isObject, number } from "./parse.js";

const here = () => `${location.pathname}${location.search}`;

export interface Place {
  /** Path and query. */
  readonly url: string;
  /** Where the page was scrolled to when it was left, to go back there. */
  readonly scrollY: number;
  /** False for the page that the visit began with. */
  readonly chosen: boolean;
}

/** Where the application is. */
export const place = createStore<Place>({ url: here(), scrollY: 0, chosen: false });

const samePage = (a: string, b: string) => JSON.stringify(parseRoute(a)) === JSON.stringify(parseRoute(b));

function rememberScroll(): void {
  history.replaceState({ scrollY: window.scrollY }, "");
}

export function navigate(url: string): void {
  if (url === here()) return;
  rememberScroll();
  if (samePage(url, here())) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  place.set({ url: here(), scrollY: 0, chosen: true });
}

/** Follows the browser's back and forward. Call once. */
export function startNavigation(): void {
  history.scrollRestoration = "manual";
  const state: unknown = history.state;
  if (isObject(state)) place.set({ url: here(), scrollY: number(state, "scrollY"), chosen: false });
  window.addEventListener("popstate", (event: PopStateEvent) => {
    const saved: unknown = event.state;
    place.set({ url: here(), scrollY: isObject(saved) ? number(saved, "scrollY") : 0, chosen: true });
  });
  window.addEventListener("pagehide", rememberScroll);
}
