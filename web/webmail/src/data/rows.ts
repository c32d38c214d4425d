/** What a list shows of a conversation or a message. */

import type { Id, Person, Row } from "./contract";
import type { KeptEmail } from "./database";
import type { Address } from "./jmap/types";
import type { Kept } from "./kept";
import type { Mailboxes } from "./mailboxes";

export const person = (address: Address): Person => ({ name: address.name ?? "", email: address.email });
export const people = (list: Address[] | null | undefined): Person[] => (list ?? []).map(person);

/** The list a row stands in: its mailbox if it is one, and how it is grouped. */
export interface Frame { mailbox: Id | null; conversations: boolean; me: string }

export class Rows {
  constructor(
    private readonly kept: Kept,
    private readonly mailboxes: Mailboxes,
  ) {}

  /** Of the conversation of that Email, or of it alone; null: nothing of it is to be shown. */
  make(id: Id, frame: Frame): Row | null {
    const email = this.kept.email(id);
    if (!frame.conversations) return email && this.row(email.id, [email], frame);
    const thread = email?.threadId ?? this.kept.base.get(id)?.threadId;
    if (!thread) return null;
    const shown = this.shownOf(thread, frame.mailbox);
    return shown.length ? this.row(thread, shown, frame) : null;
  }

  /** A conversation without what is in trash and junk, unless that's where one looks. */
  shownOf(thread: Id, mailbox: Id | null): KeptEmail[] {
    const all = this.kept.thread(thread);
    const role = mailbox && this.mailboxes.byId(mailbox)?.role;
    if (role === "trash" || role === "junk") return all.filter((each) => mailbox! in each.mailboxIds);
    const apart = [this.mailboxes.byRole("trash")?.id, this.mailboxes.byRole("junk")?.id];
    return all.filter((each) => Object.keys(each.mailboxIds).some((id) => !apart.includes(id)));
  }

  private row(key: Id, emails: KeptEmail[], frame: Frame): Row {
    const newest = emails[emails.length - 1]!;
    const role = frame.mailbox && this.mailboxes.byId(frame.mailbox)?.role;
    const outward = role === "sent" || role === "drafts";
    const who = new Map<string, Row["people"][number]>();
    for (const email of emails) {
      const unread = !email.keywords.$seen;
      for (const each of (outward ? email.to : email.from) ?? []) {
        const mail = each.email.toLowerCase();
        const before = who.get(mail);
        who.set(mail, { ...person(each), me: mail === frame.me.toLowerCase(), unread: unread || (before?.unread ?? false) });
      }
    }
    const mailboxes = [...new Set(emails.flatMap((each) => Object.keys(each.mailboxIds)))];
    const listed = frame.mailbox ? emails.filter((each) => frame.mailbox! in each.mailboxIds).at(-1) ?? newest : newest;
    const has = (word: string) => emails.some((each) => word in each.keywords);
    return {
      key, thread: newest.threadId, emails: emails.map((each) => each.id), people: [...who.values()],
      subject: emails[0]!.subject ?? "", preview: newest.preview, date: -listed.age, count: emails.length,
      unread: emails.some((each) => !each.keywords.$seen), starred: has("$flagged"), attachments: emails.some((each) => each.hasAttachment),
      draft: has("$draft"), answered: "$answered" in newest.keywords, forwarded: "$forwarded" in newest.keywords,
      labels: mailboxes.filter((id) => id !== frame.mailbox && !this.mailboxes.byId(id)?.role), mailboxes,
      snoozedUntil: this.snoozedUntil(emails), pending: emails.some((each) => this.kept.isPending(each.id)),
    };
  }

  snoozedUntil(emails: KeptEmail[]): number | null {
    const snoozed = this.kept.things<{ id: Id; until: string }>("Snooze").value;
    for (const each of emails) {
      const until = snoozed?.get(each.id)?.until;
      if (until) return Date.parse(until);
    }
    return null;
  }
}
