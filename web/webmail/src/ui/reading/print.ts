/** Printing a conversation or one message of it: what is meant is unfolded, the rest of the page is left out by the
 * print style, and the browser prints once the texts have come to rest. */

import { signal } from "@preact/signals";
import type { Id, Message } from "../../data";

/** What is being printed; null: nothing. */
export const printing = signal<ReadonlySet<Id> | null>(null);

const REST_MS = 250;
const LONGEST_MS = 4000;

export async function printMessages(messages: Message[]): Promise<void> {
  printing.value = new Set(messages.filter((each) => !each.draft).map((each) => each.id));
  await rest();
  print();
  printing.value = null;
}

/** Until no message's height has changed for a while. */
async function rest(): Promise<void> {
  const end = Date.now() + LONGEST_MS;
  let height = -1;
  while (Date.now() < end) {
    await new Promise((done) => setTimeout(done, REST_MS));
    const now = document.querySelector(".messages")?.scrollHeight ?? 0;
    if (now === height) return;
    height = now;
  }
}
