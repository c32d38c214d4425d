/** Before a message goes: what stands in its way, what is worth a question; and the way back after. */

import { mail, type Outcome, type OutboxEntry, type Problem } from "../data";
import { t } from "../texts";
import { shortDate, size } from "../texts/dates";
import { toast } from "../ui/pieces/toast";
import { tell } from "../ui/problem";
import { compose } from "../ui/router";
import { flawOf } from "./addresses";
import { speaksOfAttachment } from "./reminder";
import type { Writing } from "./writing";

export interface Checked {
  /** Has to be mended first; one sentence each. */
  errors: string[];
  /** Likewise, and said at the field of recipients already. */
  recipients: boolean;
  /** Worth a question. */
  doubts: string[];
}

export function check(writing: Writing): Checked {
  const { to, cc, bcc, subject, text } = writing.draft.peek();
  const attachments = writing.attachments.peek();
  const people = [...to, ...cc, ...bcc];
  const errors: string[] = [];
  const doubts: string[] = [];
  let recipients = people.length === 0;
  for (const each of people) {
    const flaw = flawOf(each);
    if (flaw === "odd") doubts.push(t("compose.doubt.odd", { address: each.email }));
    else if (flaw) recipients = true;
  }
  const { signIn } = mail.session;
  const limit = signIn.value.state === "in" ? signIn.value.account.limits.message : Infinity;
  const total = attachments.reduce((sum, each) => sum + each.size, 0);
  if (total * 1.37 > limit) errors.push(t("compose.error.large", { size: size(total), limit: size(limit / 1.37) }));
  if (attachments.some((each) => each.state === "failed")) errors.push(t("compose.error.attachment"));
  if (!subject.trim()) doubts.push(t("compose.doubt.subject"));
  const mayForget = mail.settings.now.peek().attachmentReminder && !attachments.some((each) => !each.cid);
  if (mayForget && speaksOfAttachment(subject, text)) doubts.push(t("compose.doubt.attachment"));
  return { errors, recipients, doubts };
}

/** Sends it and says so, with the way back for as long as there is one. */
export async function send(writing: Writing, at?: number): Promise<Problem | null> {
  if (!(await writing.keep())) return writing.problem.peek();
  const outcome = await mail.drafts.send(writing.id, at);
  if (!outcome.ok) return outcome.problem;
  const entry = outcome.value;
  const seconds = mail.settings.now.peek().undoSeconds;
  const waits = entry.state === "waiting" && mail.connection.now.peek().state !== "online";
  if (at) toast({ text: t("compose.sentLater", { time: shortDate(at) }), undo: () => takeBack(entry) });
  else if (waits) toast({ text: t("compose.sentWaits"), undo: () => takeBack(entry) });
  else if (seconds) toast({ text: t("compose.sending"), undo: () => takeBack(entry), shownMs: seconds * 1000 });
  else toast({ text: t("compose.sent") });
  return null;
}

async function takeBack(entry: OutboxEntry): Promise<void> {
  reopen(await mail.outbox.undo(entry.id));
}

export async function discard(writing: Writing): Promise<void> {
  const outcome = await mail.drafts.discard(writing.id);
  if (!outcome.ok) return tell(outcome.problem);
  toast({ text: t("compose.discarded"), undo: async () => reopen(await mail.drafts.restore(writing.id)) });
}

function reopen(outcome: Outcome<{ id: string }>): void {
  if (outcome.ok) compose("draft", outcome.value.id);
  else tell(outcome.problem);
}

/** Closes the window: what is written stays as a draft, what is empty goes. */
export async function putAway(writing: Writing): Promise<void> {
  if (writing.isEmpty()) return void (await mail.drafts.discard(writing.id));
  if (!(await writing.keep())) return;
  await mail.drafts.put(writing.id);
  if (!writing.untouched) toast({ text: t("compose.kept"), action: { text: t("compose.open"), run: () => compose("draft", writing.id) } });
}
