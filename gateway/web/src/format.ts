import { words } from "./words.js";

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** A size in steps of 1024, three figures at most: `8.4 MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}

/** A length of media: `0:05`, `12:34`, `1:02:03`. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${String(hours)}:${two(minutes)}:${two(seconds)}` : `${String(minutes)}:${two(seconds)}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, as people say it. A time in the future, by a clock that differs, is now. */
export function formatAge(time: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(time)) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (seconds < MINUTE) return words.age.now;
  if (seconds < HOUR) return words.age.minutes(Math.floor(seconds / MINUTE));
  if (seconds < DAY) return words.age.hours(Math.floor(seconds / HOUR));
  if (seconds < 7 * DAY) return words.age.days(Math.floor(seconds / DAY));
  if (seconds < 30 * DAY) return words.age.weeks(Math.floor(seconds / (7 * DAY)));
  if (seconds < 365 * DAY) return words.age.months(Math.floor(seconds / (30 * DAY)));
  return words.age.years(Math.floor(seconds / (365 * DAY)));
}

/** The exact time, in the reader's time zone. */
export function formatExact(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(words.locale, { dateStyle: "long", timeStyle: "short" }).format(date);
}

/** How long something still takes, coarser the longer: seconds in steps of 5 beyond 10, then minutes, then hours. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 10) return words.left.seconds(Math.max(1, Math.ceil(seconds)));
  if (seconds < 57.5) return words.left.seconds(Math.ceil(seconds / 5) * 5);
  if (seconds < 59.5 * MINUTE) return words.left.minutes(Math.max(1, Math.round(seconds / MINUTE)));
  const minutes = Math.round(seconds / MINUTE);
  return words.left.hours(Math.floor(minutes / 60), minutes % 60);
}

/** A title made of a file's name: without folder, extension and underscores, at most 200 characters. */
export function titleOf(filename: string): string {
  const base = filename.replace(/^.*[\\/]/, "");
  const title = base
    .replace(/(?<=.)\.[A-Za-z0-9]{1,5}$/, "")
    .replace(/[_\p{Cc}]+/gu, " ")
    .trim();
  return Array.from(title || base.replace(/\p{Cc}/gu, "") || words.upload.untitled)
    .slice(0, 200)
    .join("");
}
