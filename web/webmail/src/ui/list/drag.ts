/** Conversations dragged to a mailbox; the menu "Move" does the same. */

import { signal } from "@preact/signals";
import type { Mailbox, Row } from "../../data";
import { t } from "../../texts";
import { act, ofRows, type Target } from "../acts";
import { selected } from "./current";

/** What is being dragged; null: nothing. */
export const dragged = signal<Target | null>(null);

export function dragStart(event: DragEvent, row: Row): void {
  const chosen = selected.peek();
  const rows = chosen.has(row.key) ? [...chosen.values()] : [row];
  dragged.value = ofRows(rows);
  if (!event.dataTransfer) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("application/x-holdfast", String(rows.length));
  const ghost = document.createElement("div");
  ghost.className = "drag-ghost";
  ghost.textContent = t("drag.count", { n: rows.length });
  document.body.append(ghost);
  event.dataTransfer.setDragImage(ghost, -12, -8);
  setTimeout(() => ghost.remove());
}

export function dragEnd(): void {
  dragged.value = null;
}

/** Whether the mailbox takes what is dragged. */
export function takes(mailbox: Mailbox): boolean {
  return dragged.value !== null && mailbox.may.add && mailbox.role !== "drafts" && mailbox.role !== "scheduled";
}

export function drop(mailbox: Mailbox): void {
  const of = dragged.peek();
  dragEnd();
  if (!of) return;
  if (mailbox.role === "trash") act("trash", { of });
  else if (mailbox.role === "junk") act("junk", { of });
  else if (mailbox.role === "archive") act("archive", { of });
  else act("move", { of, to: mailbox });
}
