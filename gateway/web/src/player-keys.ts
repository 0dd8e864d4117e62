const EDITABLE = "input, textarea, select, [contenteditable], dialog, [role=menu]";
const PLAYER_KEYS = [" ", "k", "m", "f", "c", "j", "l", "<", ">", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

const modified = (event: KeyboardEvent) => event.ctrlKey || event.metaKey || event.altKey;
const within = (target: EventTarget | null, selector: string) =>
  target instanceof Element && target.closest(selector) !== null;

/** The second that a key asks for: digits are tenths of the whole, Home and End its ends. */
export function soughtSecond(key: string, duration: number): number | undefined {
  if (!Number.isFinite(duration) || duration <= 0) return undefined;
  if (/^\d$/.test(key)) return (Number(key) / 10) * duration;
  if (key === "Home") return 0;
  return key === "End" ? duration : undefined;
}

/** Seeks by the keys that the controls leave out. @returns whether it did. */
export function seekByKey(event: KeyboardEvent, video: HTMLVideoElement): boolean {
  if (modified(event) || within(event.target, EDITABLE)) return false;
  const second = soughtSecond(event.key, video.duration);
  if (second === undefined) return false;
  video.currentTime = second;
  event.preventDefault();
  return true;
}

/** Lets the controls, which hear only what happens inside them, hear keys pressed while nothing has the focus. */
export function forwardKey(event: KeyboardEvent, controls: HTMLElement): void {
  const idle = event.target === document.body || (event.target instanceof Element && event.target.id === "main");
  if (!idle || modified(event) || !PLAYER_KEYS.includes(event.key)) return;
  event.preventDefault();
  const { key, shiftKey } = event;
  controls.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey }));
  controls.dispatchEvent(new KeyboardEvent("keyup", { key, shiftKey }));
}
