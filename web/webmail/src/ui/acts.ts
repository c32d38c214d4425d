/** What customers do to mail: on the rows selected, on the conversation that is open, or on the row with the focus.
 *
 * Each is shown at once and told with a way back; a failure is told in words.
 */

import { mail, type ActionName, type Done, type Id, type Mailbox, type Outcome, type Row } from "../data";
import { t } from "../texts";
import { shortDate } from "../texts/dates";
import { clearSelection, cursor, list, mailboxNow, rowOf, selected, whole } from "./list/current";
import { takeFocus } from "./list/focus";
import { mailboxName } from "./names";
import { toast } from "./pieces/toast";
import { tell } from "./problem";
import { closeThread, openThread, route } from "./router";
import { setting } from "./setting";
import { headingWanted, shownEmails } from "./reading/shown";

export interface Target {
  emails: Id[];
  /** Rows of the list that are meant; empty for one message of a conversation. */
  keys: Id[];
}

/** A conversation is unread or starred by one message of it: the newest. */
const OF_NEWEST: readonly ActionName[] = ["unread", "star"];
/** Actions after which the row isn't in its list any more. */
const LEAVES: readonly ActionName[] = ["archive", "move", "trash", "destroy", "junk", "notJunk", "snooze"];

export function openKey(): Id | undefined {
  const now = route.peek();
  return now.view === "mail" || now.view === "search" ? now.thread : undefined;
}

/** What a command without a closer word means; null: nothing. */
export function target(): Target | null {
  if (selected.peek().size) {
    const rows = [...selected.peek().values()].map((each) => rowOf(each.key) ?? each);
    return ofRows(rows);
  }
  const open = openKey();
  if (open) {
    const row = rowOf(open);
    return row ? ofRows([row]) : { emails: shownEmails(), keys: [open] };
  }
  const row = cursor.peek() && rowOf(cursor.peek() as Id);
  return row ? ofRows([row]) : null;
}

export function ofRows(rows: Row[]): Target {
  return { emails: rows.flatMap((each) => each.emails), keys: rows.map((each) => each.key) };
}

/** Of each conversation its newest message alone. */
function newestOf(rows: Row[]): Target {
  return { emails: rows.flatMap((each) => each.emails.slice(-1)), keys: rows.map((each) => each.key) };
}

/** Like `target`, with everything in the list where everything was selected. */
async function wholeTarget(): Promise<Target | null> {
  const now = target();
  const open = list.peek();
  if (!whole.peek() || !open) return now;
  const everything = await open.everything();
  if (everything.ok) return { emails: everything.value, keys: now?.keys ?? [] };
  tell(everything.problem);
  return null;
}

type Extra = { to?: Mailbox; until?: number; of?: Target };

/** Does it; false when there's nothing to do it to. */
export function act(action: ActionName, extra: Extra = {}): boolean {
  if (!extra.of && !target()) return false;
  void perform(action, extra);
  return true;
}

async function perform(action: ActionName, extra: Extra): Promise<void> {
  const meant = narrowed(action, extra.of ?? (await wholeTarget()));
  if (!meant || meant.emails.length === 0) return;
  const open = openKey();
  const leaves = LEAVES.includes(action) && meant.keys.length > 0;
  const away = leaves && open !== undefined && meant.keys.includes(open) ? await following(open) : undefined;
  const next =
    leaves && cursor.peek() && meant.keys.includes(cursor.peek() as Id) ? await afterCursor(meant.keys) : undefined;
  const outcome = await call(action, meant.emails, extra);
  if (!outcome.ok) return tell(outcome.problem);
  if (leaves) clearSelection();
  if (away !== undefined) away ? openThread(away, true) : closeThread();
  if (next !== undefined) cursor.value = next;
  if (document.activeElement === document.body) takeFocus();
  say(outcome.value);
}

function narrowed(action: ActionName, meant: Target | null): Target | null {
  if (!meant || whole.peek() || !OF_NEWEST.includes(action)) return meant;
  const rows = meant.keys.map((key) => rowOf(key) ?? selected.peek().get(key)).filter((each): each is Row => !!each);
  return rows.length === meant.keys.length && rows.length > 0 ? newestOf(rows) : meant;
}

function call(action: ActionName, emails: Id[], { to, until }: Extra): Promise<Outcome<Done>> {
  const from = mailboxNow.peek()?.id ?? null;
  switch (action) {
    case "archive":
    case "trash":
    case "junk":
      return mail.actions[action](emails, from);
    case "move":
      return mail.actions.move(emails, from, (to as Mailbox).id);
    case "label":
    case "unlabel":
      return mail.actions[action](emails, (to as Mailbox).id);
    case "snooze":
      return mail.actions.snooze(emails, from, until as number);
    default:
      return mail.actions[action](emails);
  }
}

/** Where reading goes on when the open conversation leaves: "" is back to the list. */
async function following(open: Id): Promise<Id> {
  const after = setting("afterMove");
  if (after === "list") return "";
  const row = await list.peek()?.beside(open, after === "next" ? 1 : -1);
  return row?.key ?? "";
}

/** The conversation before or after the one that is open. */
export async function walk(step: 1 | -1): Promise<void> {
  const open = openKey();
  const row = open && (await list.peek()?.beside(open, step));
  if (document.activeElement?.closest(".reading")) headingWanted.value = true;
  if (row) openThread(row.key, true);
}

async function afterCursor(gone: Id[]): Promise<Id | null> {
  const now = list.peek();
  const at = cursor.peek();
  if (!now || !at) return null;
  for (const step of [1, -1] as const) {
    let row = await now.beside(at, step);
    while (row && gone.includes(row.key)) row = await now.beside(row.key, step);
    if (row) return row.key;
  }
  return null;
}

const SILENT: readonly ActionName[] = ["star", "unstar", "read", "unread"];

function say(done: Done): void {
  if (SILENT.includes(done.action) && done.threads < 2) return;
  const mailbox = done.mailbox ? mail.mailboxes.byId(done.mailbox) : null;
  const text = t(`done.${done.action}`, {
    n: done.threads,
    mailbox: mailbox ? mailboxName(mailbox) : "",
    time: done.until ? shortDate(done.until) : "",
  });
  toast(done.undoable ? { text, undo: () => void undo(done.number) } : { text });
}

/** Takes back the last action, or that one. */
export async function undo(number?: number): Promise<void> {
  const outcome = await mail.actions.undo(number);
  if (outcome.ok) toast({ text: t("done.undone") });
  else tell(outcome.problem);
}

/** The star of a row or message is turned over. */
export function turnStar(starred: boolean, of: Target): void {
  act(starred ? "unstar" : "star", { of });
}

/** For the key and the bar: star all, or release all when each is starred. */
export function starTarget(): boolean {
  const meant = target();
  if (!meant) return false;
  const rows = meant.keys.map((key) => rowOf(key)).filter((each): each is Row => each !== null);
  return act(rows.length > 0 && rows.every((each) => each.starred) ? "unstar" : "star");
}
