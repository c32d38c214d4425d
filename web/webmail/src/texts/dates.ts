/** Dates, times and sizes as the language writes them. Times are milliseconds or ISO 8601. */

import { locale } from ".";

type Moment = number | string | Date;
const DAY = 86_400_000;
const made = new Map<string, Intl.DateTimeFormat>();

/** In a list: the time today, the weekday within the last six days, day and month this year, else the date. */
export function listDate(moment: Moment, now = Date.now()): string {
  const then = new Date(moment);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return clock(then);
  const days = Math.round((midnight(today) - midnight(then)) / DAY);
  if (days > 0 && days < 7) return write(then, { weekday: "long" });
  if (then.getFullYear() === today.getFullYear()) return write(then, { day: "numeric", month: "short" });
  return write(then, { day: "2-digit", month: "2-digit", year: "numeric" });
}

/** Over a message: “Saturday, 28 November 2026 at 21:55”. */
export function fullDate(moment: Moment): string {
  return write(new Date(moment), { dateStyle: "full", timeStyle: "short" });
}

/** “28 Nov 2026, 21:55”. */
export function shortDate(moment: Moment): string {
  return write(new Date(moment), { dateStyle: "medium", timeStyle: "short" });
}

export function clock(moment: Moment): string {
  return write(new Date(moment), { timeStyle: "short" });
}

/** In a sentence about something recent: the clock's time today, else day and time. */
export function since(moment: Moment, now = Date.now()): string {
  const then = new Date(moment);
  return then.toDateString() === new Date(now).toDateString() ? clock(then) : shortDate(then);
}

/** Beside a time to choose: “Mon, 30 Nov, 08:00”. */
export function momentHint(moment: Moment): string {
  return write(new Date(moment), {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** “340 KB”, “1.2 MB”. */
export function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: units[step] as string,
    unitDisplay: "short",
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(bytes / 1000 ** step);
}

function write(moment: Date, how: Intl.DateTimeFormatOptions): string {
  const key = locale() + JSON.stringify(how);
  let format = made.get(key);
  if (!format) made.set(key, (format = new Intl.DateTimeFormat(locale(), how)));
  return Number.isNaN(moment.getTime()) ? "" : format.format(moment);
}

function midnight(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}
