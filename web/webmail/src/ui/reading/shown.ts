/** The conversation that is open, for commands that have no row to look at. */

import { signal } from "@preact/signals";
import type { Id, Message } from "../../data";

/** Its messages; empty while there is none, or while it is on its way. */
export const shownMessages = signal<Message[]>([]);

/** Opened by a key: whoever listens goes on at its subject. */
export const headingWanted = signal(false);

export function shownEmails(): Id[] {
  return shownMessages.peek().map((each) => each.id);
}
