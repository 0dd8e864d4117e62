import { createStore, type Store } from "./store.js";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** A choice that this browser remembers; where it may not, it lasts as long as the page. */
function remembered<const T extends string>(key: string, known: readonly T[], otherwise: T): Store<T> {
  const read = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const stored = read();
  const store = createStore<T>(known.find((value) => value === stored) ?? otherwise);
  store.subscribe(() => {
    try {
      localStorage.setItem(key, store.get());
    } catch {
      // Storage is full or forbidden.
    }
  });
  return store;
}

export const preferences = {
  theme: remembered<Theme>("reelmesh.theme", THEMES, "system"),
};
