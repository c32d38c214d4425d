/** What is done with messages: patches for the outbox, and the way back. */

import { signal } from "@preact/signals";
import type { ActionName, ActionPort, Done, Id, Millis, Outcome } from "./contract";
import { Failure, outcome } from "./failures";
import type { Kept } from "./kept";
import type { Mailboxes } from "./mailboxes";
import type { Outbox } from "./outbox/outbox";
import { inverse, type Patch } from "./patches";

type Change = (id: Id, mailboxes: Record<Id, true> | null) => Patch | null;
interface Step { number: number; operation: number; back: () => Promise<void> }

const MOST_STEPS = 20;

export class Actions {
  readonly last = signal<Done | null>(null);
  private readonly steps: Step[] = [];
  private count = 0;

  constructor(
    private readonly kept: Kept,
    private readonly mailboxes: Mailboxes,
    private readonly outbox: Outbox,
  ) {}

  port(): ActionPort {
    const keyword = (action: ActionName, word: string, on: boolean) => (emails: Id[]) =>
      this.change(action, emails, null, () => ({ [`keywords/${word}`]: on ? true : null }));
    return {
      archive: (emails, from) => this.toRole("archive", emails, from, "archive"),
      move: (emails, from, to) => this.move("move", emails, from, to),
      label: (emails, to) => this.change("label", emails, to, () => ({ [`mailboxIds/${this.kept.real(to)}`]: true })),
      unlabel: (emails, from) => this.unlabel(emails, from),
      trash: (emails, from) => this.trash(emails, from),
      destroy: (emails) => this.destroy(emails),
      junk: (emails, from) => this.toRole("junk", emails, from, "junk", { "keywords/$junk": true, "keywords/$notjunk": null }),
      notJunk: (emails) => this.notJunk(emails),
      read: keyword("read", "$seen", true), unread: keyword("unread", "$seen", false),
      star: keyword("star", "$flagged", true), unstar: keyword("unstar", "$flagged", false),
      snooze: (emails, from, until) => this.snooze(emails, from, until),
      unsnooze: (emails) => this.unsnooze(emails),
      last: this.last,
      undo: (number) => this.undo(number),
    };
  }

  private async toRole(action: ActionName, emails: Id[], from: Id | null, role: "archive" | "junk", also: Patch = {}): Promise<Outcome<Done>> {
    let to = this.mailboxes.byRole(role)?.id;
    if (!to) {
      const made = await this.mailboxes.port().create(role === "archive" ? "Archive" : "Junk");
      if (!made.ok) return made;
      to = made.value;
    }
    return this.move(action, emails, from, to, also);
  }

  private move(action: ActionName, emails: Id[], from: Id | null, to: Id, also: Patch = {}): Promise<Outcome<Done>> {
    const target = this.kept.real(to);
    const source = from && this.kept.real(from);
    return this.change(action, emails, to, (_, mailboxes) => {
      if (source === target) return null;
      // Not known here: it stands in the list that was looked at.
      if (source) return !mailboxes || source in mailboxes ? { [`mailboxIds/${source}`]: null, [`mailboxIds/${target}`]: true, ...also } : null;
      return mailboxes && this.movable(mailboxes) ? { mailboxIds: { ...this.labelsOf(mailboxes), [target]: true }, ...also } : null;
    });
  }

  private trash(emails: Id[], from: Id | null): Promise<Outcome<Done>> {
    const trash = this.mailboxes.byRole("trash")?.id;
    if (!trash) return this.destroy(emails);
    const source = from && this.kept.real(from);
    return this.change("trash", emails, trash, (_, mailboxes) => {
      const here = !source || !mailboxes || source in mailboxes;
      return here && !(mailboxes && trash in mailboxes) ? { mailboxIds: { [trash]: true } } : null;
    });
  }

  private notJunk(emails: Id[]): Promise<Outcome<Done>> {
    const inbox = this.mailboxes.byRole("inbox")?.id;
    const junk = this.mailboxes.byRole("junk")?.id;
    return this.change("notJunk", emails, inbox ?? null, () => inbox && junk
      ? { [`mailboxIds/${junk}`]: null, [`mailboxIds/${inbox}`]: true, "keywords/$junk": null, "keywords/$notjunk": true } : null);
  }

  private unlabel(emails: Id[], from: Id): Promise<Outcome<Done>> {
    const label = this.kept.real(from);
    const archive = this.mailboxes.byRole("archive")?.id;
    return this.change("unlabel", emails, from, (_, mailboxes) => {
      if (!mailboxes || !(label in mailboxes)) return null;
      // A message stands somewhere always.
      const alone = Object.keys(mailboxes).length === 1;
      return alone ? archive ? { [`mailboxIds/${label}`]: null, [`mailboxIds/${archive}`]: true } : null : { [`mailboxIds/${label}`]: null };
    });
  }

  private destroy(emails: Id[]): Promise<Outcome<Done>> {
    return outcome("unchanged", async () => {
      const ids = emails.map((each) => this.kept.real(each));
      const threads = this.threadsOf(ids);
      await this.outbox.set("Email", { destroy: ids, action: "destroy" });
      return { number: ++this.count, action: "destroy" as const, emails, threads, mailbox: null, until: null, undoable: false };
    });
  }

  private snooze(emails: Id[], from: Id | null, until: Millis): Promise<Outcome<Done>> {
    return outcome("unchanged", async () => {
      const home = from ?? this.mailboxes.byRole("inbox")?.id ?? null;
      const away = this.mailboxes.byRole("snoozed")?.id;
      const create: Record<Id, Record<string, unknown> & { id: Id }> = {};
      const update: Record<Id, Patch> = {};
      const shown: Record<Id, Patch> = {};
      const time = new Date(until).toISOString().slice(0, 19) + "Z";
      for (const each of emails) {
        const id = this.kept.real(each);
        const mailboxes = this.kept.email(id)?.mailboxIds;
        const snoozed = this.kept.baseObject("Snooze", id) !== null;
        if (snoozed) update[id] = { until: time };
        else if (home && (!mailboxes || this.kept.real(home) in mailboxes)) {
          create[id] = { id, emailId: id, until: time, mailboxId: this.kept.real(home) };
          shown[id] = { [`mailboxIds/${this.kept.real(home)}`]: null, ...(away ? { [`mailboxIds/${away}`]: true } : {}) };
        }
      }
      const ids = [...Object.keys(create), ...Object.keys(update)];
      const operation = ids.length ? await this.outbox.set("Snooze", { create, update, shown, action: "snooze" }) : null;
      return this.done("snooze", ids, away ?? null, until, operation?.number ?? 0, async () => {
        await this.outbox.set("Snooze", { destroy: Object.keys(create), shown: Object.fromEntries(Object.entries(shown).map(([id, patch]) => [id, flipped(patch)])) });
      });
    });
  }

  private unsnooze(emails: Id[]): Promise<Outcome<Done>> {
    return outcome("unchanged", async () => {
      const away = this.mailboxes.byRole("snoozed")?.id;
      const shown: Record<Id, Patch> = {};
      const destroy: Id[] = [];
      for (const each of emails) {
        const id = this.kept.real(each);
        const snooze = this.kept.things<{ id: Id; mailboxId: Id }>("Snooze").value?.get(id);
        if (!snooze) continue;
        destroy.push(id);
        shown[id] = { ...(away ? { [`mailboxIds/${away}`]: null } : {}), [`mailboxIds/${snooze.mailboxId}`]: true };
      }
      const operation = destroy.length ? await this.outbox.set("Snooze", { destroy, shown, action: "unsnooze" }) : null;
      return this.done("unsnooze", destroy, null, null, operation?.number ?? 0, null);
    });
  }

  private change(action: ActionName, emails: Id[], mailbox: Id | null, how: Change): Promise<Outcome<Done>> {
    return outcome("unchanged", async () => {
      const update: Record<Id, Patch> = {};
      const back: Record<Id, Patch> = {};
      for (const each of emails) {
        const id = this.kept.real(each);
        const email = this.kept.email(id);
        const patch = how(id, email?.mailboxIds ?? null);
        if (!patch) continue;
        update[id] = patch;
        back[id] = email ? inverse(email, patch) : flipped(patch);
      }
      const ids = Object.keys(update);
      const operation = ids.length ? await this.outbox.set("Email", { update, action }) : null;
      return this.done(action, ids, mailbox, null, operation?.number ?? 0, async () => void (await this.outbox.set("Email", { update: back })));
    });
  }

  private done(
    action: ActionName, emails: Id[], mailbox: Id | null, until: Millis | null, operation: number, back: (() => Promise<void>) | null,
  ): Done {
    const done: Done = {
      number: ++this.count, action, emails, threads: this.threadsOf(emails), mailbox, until, undoable: !!back && emails.length > 0,
    };
    if (back && emails.length) {
      this.steps.push({ number: done.number, operation, back });
      if (this.steps.length > MOST_STEPS) this.steps.shift();
      this.last.value = done;
    }
    return done;
  }

  private undo(number?: number): Promise<Outcome> {
    return outcome("unchanged", async () => {
      const at = number === undefined ? this.steps.length - 1 : this.steps.findIndex((each) => each.number === number);
      const step = this.steps[at];
      if (!step) throw new Failure("gone");
      this.steps.splice(at, 1);
      if (this.last.value?.number === step.number) this.last.value = null;
      // What certainly never left is simply taken away; otherwise the opposite is done.
      if (!(await this.kept.withdraw(step.operation))) await step.back();
    });
  }

  /** Mailboxes without a role: labels, which a move from nowhere in particular leaves. */
  private labelsOf(mailboxes: Record<Id, true>): Record<Id, true> {
    const labels = Object.keys(mailboxes).filter((id) => !this.mailboxes.byId(id)?.role);
    const placed = Object.keys(mailboxes).some((id) => this.mailboxes.byId(id)?.role);
    return placed ? Object.fromEntries(labels.map((id) => [id, true as const])) : {};
  }

  private movable(mailboxes: Record<Id, true>): boolean {
    return !Object.keys(mailboxes).some((id) => ["sent", "drafts"].includes(this.mailboxes.byId(id)?.role ?? ""));
  }

  private threadsOf(emails: Id[]): number {
    return new Set(emails.map((id) => this.kept.base.get(id)?.threadId ?? id)).size;
  }
}

/** What puts members of maps the other way round. */
function flipped(patch: Patch): Patch {
  return Object.fromEntries(Object.entries(patch).map(([path, value]) => [path, value === null ? true : null]));
}
