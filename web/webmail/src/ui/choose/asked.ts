/** The question that is being asked about some mail: where to, which labels, until when. */

import { signal } from "@preact/signals";
import { target, type Target } from "../acts";

export type Asked = { what: "move" | "label" | "snooze"; of: Target | null } | { what: "go" };

export const asked = signal<Asked | null>(null);

/** Asks about that, or about what a command means now; false when that is nothing. */
export function ask(what: "move" | "label" | "snooze", of?: Target): boolean {
  if (!of && !target()) return false;
  asked.value = { what, of: of ?? null };
  return true;
}

export function askMailbox(): void {
  asked.value = { what: "go" };
}

export function answered(): void {
  asked.value = null;
}
