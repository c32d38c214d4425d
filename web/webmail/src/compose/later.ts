/** When a message may go out later. */

export interface Later {
  name: "tonight" | "tomorrow" | "afternoon" | "monday";
  at: number;
}

/** Times that people mean, in the zone of this device; none that is less than half an hour away. */
export function presets(now: number): Later[] {
  const all: Later[] = [
    { name: "tonight", at: moment(now, 0, 18) },
    { name: "tomorrow", at: moment(now, 1, 8) },
    { name: "afternoon", at: moment(now, 1, 14) },
    { name: "monday", at: moment(now, daysToMonday(now), 8) },
  ];
  return all.filter((each, at) => each.at - now >= 30 * 60_000 && all.findIndex((one) => one.at === each.at) === at);
}

function moment(now: number, days: number, hour: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour).getTime();
}

function daysToMonday(now: number): number {
  return (8 - new Date(now).getDay()) % 7 || 7;
}

/** For <input type="datetime-local">: this device's own time. */
export function localInput(at: number): string {
  const day = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return day.toISOString().slice(0, 16);
}

/** "Europe/Berlin (GMT+1)" */
export function zone(at: number, language: string): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const parts = new Intl.DateTimeFormat(language, { timeZoneName: "shortOffset" }).formatToParts(at);
  return `${timeZone.replace(/_/g, " ")} (${parts.find((each) => each.type === "timeZoneName")?.value ?? "UTC"})`;
}
