/** Keys and pointers on the rows of a list. */

import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import type { MailList, Row } from "../../data";
import { act, ofRows, turnStar } from "../acts";
import { touch } from "../layout";
import { headingWanted } from "../reading/shown";
import { compose, openThread } from "../router";
import { clearSelection, cursor, extendTo, mailboxNow, selected, selectWhere, toggle } from "./current";
import { dragEnd, dragStart } from "./drag";
import { takeFocus } from "./focus";
import type { Window } from "./window";

interface Reach {
  list: MailList;
  /** Where the cursor stands; -1: nowhere. */
  at: number;
  length: number;
  window: Window;
  scroller: RefObject<HTMLDivElement | null>;
  /** The conversation that is open. */
  open: string | undefined;
}

export function useHands(reach: Reach) {
  const { list, scroller } = reach;
  const [menu, setMenu] = useState<{ row: Row; x: number; y: number } | null>(null);
  const rowAt = (event: Event): Row | null => {
    const key = (event.target as Element).closest<HTMLElement>("[data-key]")?.dataset.key;
    return key === undefined ? null : list.row(list.indexOf(key));
  };
  const onClick = (event: MouseEvent) => {
    const row = rowAt(event);
    if (!row) return;
    const part = (event.target as Element).closest<HTMLElement>("[data-part]")?.dataset.part;
    if (part === "star") turnStar(row.starred, ofRows([row]));
    else if (part === "archive" || part === "trash") act(part, { of: ofRows([row]) });
    else if (event.shiftKey) extendTo(row);
    else if (part === "check" || event.ctrlKey || event.metaKey || (touch.value && selected.peek().size)) toggle(row);
    else openRow(row);
  };
  const onContext = (event: MouseEvent) => {
    const row = rowAt(event);
    if (!row || event.shiftKey) return;
    event.preventDefault();
    cursor.value = row.key;
    if ((event as PointerEvent).pointerType === "touch") return toggle(row);
    const box = (event.target as Element).getBoundingClientRect();
    const byKey = event.clientX === 0 && event.clientY === 0;
    setMenu({ row, x: byKey ? box.left + 24 : event.clientX, y: byKey ? box.bottom : event.clientY });
  };
  const onRow = (event: Event, then: (row: Row) => void) => {
    const row = rowAt(event);
    if (row) then(row);
  };
  const closeMenu = (back?: boolean) => {
    setMenu(null);
    if (back !== false) scroller.current?.querySelector<HTMLElement>(`[tabindex="0"]`)?.focus();
  };
  const handlers = {
    onKeyDown: (event: KeyboardEvent) => onKey(event, reach),
    onClick,
    onContextMenu: onContext,
    onFocusIn: (event: FocusEvent) => onRow(event, (row) => (cursor.value = row.key)),
    onDragStart: (event: DragEvent) => onRow(event, (row) => dragStart(event, row)),
    onDragEnd: dragEnd,
  };
  return { handlers, menu, closeMenu };
}

function onKey(event: KeyboardEvent, reach: Reach): void {
  const { list, at, length, window, scroller } = reach;
  const index = at >= 0 ? at : window.above;
  const row = list.row(index);
  const inside = (event.target as Element).matches("button, input");
  const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / window.rowHeight) - 1);
  const steps: Record<string, number> = {
    ArrowDown: at < 0 ? index : index + 1,
    ArrowUp: index - 1,
    Home: 0,
    End: length - 1,
    PageDown: index + page,
    PageUp: index - page,
  };
  const to = steps[event.key];
  if (to !== undefined) moveTo(to, event, reach);
  else if (event.key === " " && row && !inside) toggle(row);
  else if (event.key === "Enter" && row && !inside) openByKey(row);
  else if (event.key === "a" && (event.ctrlKey || event.metaKey)) selectWhere(() => true);
  else if (event.key === "Escape" && selected.peek().size) clearSelection();
  else if (event.key === "ArrowRight" || event.key === "ArrowLeft") within(event);
  else return;
  event.preventDefault();
}

function moveTo(index: number, event: KeyboardEvent, { list, length, open }: Reach): void {
  const row = list.row(Math.max(0, Math.min(index, length - 1)));
  if (!row) return;
  if (event.shiftKey) extendTo(row);
  takeFocus();
  cursor.value = row.key;
  if (open && !event.shiftKey) openThread(row.key, true);
}

/** Opens it and takes the focus along. */
export function openByKey(row: Row): void {
  headingWanted.value = true;
  openRow(row);
}

/** Opens what the row stands for: a draft is written on, everything else is read. */
function openRow(row: Row): void {
  const last = row.emails.at(-1);
  cursor.value = row.key;
  if (mailboxNow.peek()?.role === "drafts" && last) compose("draft", last);
  else openThread(row.key);
}

/** Along the parts of a row that can be acted on. */
function within(event: KeyboardEvent): void {
  const row = (event.target as Element).closest<HTMLElement>(".row");
  if (!row) return;
  const stops = [row, ...row.querySelectorAll<HTMLElement>("input, button:not(.row-quick button)")];
  const now = stops.indexOf(event.target as HTMLElement);
  stops[Math.max(0, Math.min(stops.length - 1, now + (event.key === "ArrowRight" ? 1 : -1)))]?.focus();
}
