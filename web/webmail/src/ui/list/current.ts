/** The list that is shown, the row that keys act on, and the rows that are selected.
 *
 * The list follows the address: it stays open while one reads, and is another one when mailbox, search, order
 * or filter change.
 */

import { batch, computed, effect, signal } from "@preact/signals";
import { mail, type Id, type ListQuery, type Mailbox, type MailList, type Row } from "../../data";
import { mailboxBySlug } from "../names";
import { route } from "../router";
import { setting } from "../setting";

export const SPECIAL = ["starred", "unread"] as const;
export type Special = (typeof SPECIAL)[number];

export const unreadOnly = signal(false);
export const order = signal<"newest" | "oldest">("newest");

export const list = signal<MailList | null>(null);
/** The row with the roving focus: what keys act on. */
export const cursor = signal<Id | null>(null);
/** Selected rows as they were when they were selected; they may have left the window since. */
export const selected = signal<ReadonlyMap<Id, Row>>(new Map());
/** More than what was seen is selected: everything in the list. */
export const whole = signal(false);

let anchor: Id | null = null;

export function isSpecial(slug: string): slug is Special {
  return (SPECIAL as readonly string[]).includes(slug);
}

/** The mailbox that is looked at; null in searches and views over several. */
export const mailboxNow = computed(() => (route.value.view === "mail" ? mailboxBySlug(route.value.mailbox) : null));

/** The mailbox one came from, for a search in it alone. */
export const mailboxBefore = signal<Mailbox | null>(null);

/** What the address asks for, as text: equal texts are the same list. Null: no other than before; "": there is no
 * such mailbox, or it isn't known yet. */
const wanted = computed<string | null>(() => {
  const now = route.value;
  const common = {
    conversations: setting("conversations"),
    ...(unreadOnly.value ? { unreadOnly: true } : {}),
    order: order.value,
  };
  if (now.view === "search") return JSON.stringify({ in: { search: now.query }, ...common } satisfies ListQuery);
  if (now.view !== "mail") return null;
  if (isSpecial(now.mailbox)) return JSON.stringify({ in: { special: now.mailbox }, ...common } satisfies ListQuery);
  const mailbox = mailboxNow.value;
  return mailbox ? JSON.stringify({ in: { mailbox: mailbox.id }, ...common } satisfies ListQuery) : "";
});

/** Opens and closes lists as the address changes, for as long as the shell is drawn. */
export function followAddress(): () => void {
  let opened: string | null = null;
  const stopBefore = effect(() => {
    if (mailboxNow.value) mailboxBefore.value = mailboxNow.value;
  });
  const stop = effect(() => {
    const asked = wanted.value;
    if (asked === null || asked === opened) return;
    opened = asked;
    batch(() => {
      list.peek()?.close();
      list.value = asked ? mail.lists.open(JSON.parse(asked) as ListQuery) : null;
      cursor.value = null;
      clearSelection();
    });
  });
  return () => {
    stopBefore();
    stop();
    list.peek()?.close();
    list.value = null;
  };
}

/** The row as it is now. */
export function rowOf(key: Id): Row | null {
  const now = list.peek();
  const index = now?.indexOf(key) ?? -1;
  return index < 0 ? null : (now?.row(index) ?? null);
}

export function clearSelection(): void {
  anchor = null;
  whole.value = false;
  if (selected.peek().size) selected.value = new Map();
}

/** Selects or releases one row. */
export function toggle(row: Row): void {
  const next = new Map(selected.peek());
  if (!next.delete(row.key)) next.set(row.key, row);
  anchor = row.key;
  batch(() => {
    whole.value = false;
    selected.value = next;
  });
}

/** Selects from the row selected last to this one. */
export function extendTo(row: Row): void {
  const now = list.peek();
  const from = now && (anchor ?? cursor.peek()) ? now.indexOf((anchor ?? cursor.peek()) as Id) : -1;
  const to = now?.indexOf(row.key) ?? -1;
  if (!now || from < 0 || to < 0) return toggle(row);
  const next = new Map(selected.peek());
  for (let index = Math.min(from, to); index <= Math.max(from, to); index++) {
    const each = now.row(index);
    if (each) next.set(each.key, each);
  }
  selected.value = next;
}

/** Selects the rows that are known and fit. */
export function selectWhere(fits: (row: Row) => boolean): void {
  const next = new Map<Id, Row>();
  for (const row of list.peek()?.view.peek().rows ?? []) if (row && fits(row)) next.set(row.key, row);
  batch(() => {
    whole.value = false;
    selected.value = next;
  });
}
