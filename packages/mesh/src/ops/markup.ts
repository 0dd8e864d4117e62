/** Text as HTML, in an element or a quoted attribute. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What a row is about. */
export function name(text: string): string {
  return `<b>${escape(text)}</b>`;
}

/** A rate a second: `0`, `0.3`, `12.5`, `1,240`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond.toLocaleString("en", { maximumFractionDigits: perSecond < 100 ? 1 : 0 });
}

/** A share as a percentage, never rounded up to 100% while something failed. */
export function percentage(share: number | undefined): string {
  if (share === undefined) return "–";
  const percent = Math.floor(share * 10_000) / 100;
  return `${percent.toLocaleString("en", { maximumFractionDigits: percent < 99 ? 1 : 2 })}%`;
}

/** `0.4 ms`, `12 ms`, `1.2 s`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** How many whole days a certificate still lasts: `89 days`, `1 day`, `expired`. */
export function daysLeft(notAfter: string, now: string): string {
  const days = Math.floor((Date.parse(notAfter) - Date.parse(now)) / 86_400_000);
  if (days < 0) return "expired";
  return days === 1 ? "1 day" : `${days} days`;
}

/** How long something has lasted, in its two largest units: `3 d 4 h`, `12 min 5 s`. */
export function lapse(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  const shown = units
    .slice(Math.max(first, 0))
    .slice(0, 2)
    .filter(([count]) => count > 0);
  return first < 0 ? "0 s" : shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** How bad a share of calls that succeeded is, as a class of the page and a colour of the terminal. */
export function severity(success: number | undefined): "idle" | "good" | "warn" | "bad" {
  if (success === undefined) return "idle";
  if (success >= 0.99) return "good";
  return success >= 0.95 ? "warn" : "bad";
}
