/** Mailboxes in the order they are drawn, with counts as they are after what waits in the outbox. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Id, Mailbox, MailboxPort, Role } from "./contract";
import type { KeptEmail } from "./database";
import { Failure, outcome } from "./failures";
import type { Client } from "./jmap/client";
import type { GetResult, JmapMailbox, QueryResult, SetResult } from "./jmap/types";
import type { Kept } from "./kept";
import type { Patch } from "./patches";
import type { Outbox } from "./outbox/outbox";
import { freshId } from "./world";

const ROLES: Role[] = ["inbox", "snoozed", "drafts", "sent", "scheduled", "archive", "junk", "trash", "all"];
const AT_ONCE = 200;
const ALL_RIGHTS = { mayAddItems: true, mayRemoveItems: true, mayRename: true, mayDelete: true, mayCreateChild: true };

interface Count { total: number; unread: number; totalThreads: number; unreadThreads: number }

export class Mailboxes {
  readonly all: ReadonlySignal<Mailbox[] | null>;
  private readonly ids = computed(() => new Map((this.all.value ?? []).map((each) => [each.id, each])));

  constructor(
    private readonly kept: Kept,
    private readonly outbox: Outbox,
    private readonly client: Client,
  ) {
    const things = kept.things<JmapMailbox>("Mailbox");
    const tree = computed(() => things.value && drawn(things.value));
    this.all = computed(() => {
      void kept.changed.value;
      const change = this.changes();
      return tree.value?.map((each) => {
        const by = change.get(each.id);
        const pending = kept.pendingObject("Mailbox", each.id);
        return by || pending ? { ...each, ...(by ? sum(each, by) : {}), pending } : each;
      }) ?? null;
    });
  }

  byId(id: Id): Mailbox | null {
    return this.ids.value.get(this.kept.real(id)) ?? null;
  }

  byRole(role: Role): Mailbox | null {
    return this.all.value?.find((each) => each.role === role) ?? null;
  }

  port(): MailboxPort {
    return {
      all: this.all, byId: (id) => this.byId(id), byRole: (role) => this.byRole(role),
      create: (name, parent = null) => outcome("unchanged", async () => {
        const id = freshId();
        const value = {
          id, name, parentId: parent && this.kept.real(parent), role: null, sortOrder: 0, isSubscribed: true,
          totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0, myRights: ALL_RIGHTS,
        };
        await this.outbox.set("Mailbox", { create: { [id]: value } });
        return id;
      }),
      rename: (id, name) => this.change(id, { name }),
      nest: (id, parent) => this.change(id, { parentId: parent && this.kept.real(parent) }),
      remove: (id) => outcome("unchanged", async () => {
        const trash = this.byRole("trash");
        const inside = [...this.kept.newestFirst()].filter((each) => this.kept.real(id) in each.mailboxIds);
        const moved: Record<Id, Patch> = {};
        for (const each of inside) {
          const alone = Object.keys(each.mailboxIds).length === 1;
          moved[each.id] = alone && trash ? { mailboxIds: { [trash.id]: true } } : { [`mailboxIds/${this.kept.real(id)}`]: null };
        }
        if (inside.length) await this.outbox.set("Email", { update: moved });
        // What isn't on this device is moved to the trash before, by whoever sends this.
        await this.outbox.set("Mailbox", { destroy: [this.kept.real(id)], args: { onDestroyRemoveEmails: false } });
      }),
      empty: (id) => outcome("unchanged", () => this.empty(id)),
    };
  }

  private change(id: Id, patch: Patch) {
    return outcome("unchanged", async () => void (await this.outbox.set("Mailbox", { update: { [this.kept.real(id)]: patch } })));
  }

  private async empty(id: Id): Promise<number> {
    const mailbox = this.byId(id);
    if (mailbox?.role !== "trash" && mailbox?.role !== "junk") throw new Failure("forbidden");
    const most = Math.min(this.client.limit("maxObjectsInSet", AT_ONCE), AT_ONCE);
    for (let done = 0; ; ) {
      const { ids } = await this.client.one<QueryResult>("Email/query", { filter: { inMailbox: mailbox.id }, limit: most });
      if (!ids.length) return done;
      // What is in another mailbox as well stays there.
      const { list } = await this.client.one<GetResult<KeptEmail>>("Email/get", { ids, properties: ["id", "mailboxIds"] });
      const alone = list.filter((each) => Object.keys(each.mailboxIds).length === 1).map((each) => each.id);
      const others = list.filter((each) => Object.keys(each.mailboxIds).length > 1);
      const result = await this.client.one<SetResult>("Email/set", {
        destroy: alone, update: Object.fromEntries(others.map((each) => [each.id, { [`mailboxIds/${mailbox.id}`]: null }])),
      });
      const removed = (result.destroyed?.length ?? 0) + Object.keys(result.updated ?? {}).length;
      await this.kept.write({ emailsGone: result.destroyed ?? [] });
      done += removed;
      if (!removed) throw new Failure("forbidden", Object.values(result.notDestroyed ?? {})[0]?.description ?? "");
    }
  }

  /** What the outbox changes in the counts: of Emails exactly, of conversations as far as they are here. */
  private changes(): Map<Id, Count> {
    const found = new Map<Id, Count>();
    const add = (mailbox: Id, part: keyof Count, by: number) => {
      const count = found.get(mailbox) ?? { total: 0, unread: 0, totalThreads: 0, unreadThreads: 0 };
      count[part] += by;
      found.set(mailbox, count);
    };
    const threads = new Set<Id>();
    for (const id of this.kept.pending()) {
      const base = this.kept.base.get(id);
      if (!base) continue;
      threads.add(base.threadId);
      for (const [email, by] of [[base, -1], [this.kept.email(id), 1]] as const) {
        if (!email) continue;
        for (const mailbox of Object.keys(email.mailboxIds)) {
          add(mailbox, "total", by);
          if (!email.keywords.$seen) add(mailbox, "unread", by);
        }
      }
    }
    for (const thread of threads) {
      const now = this.kept.thread(thread);
      const before = this.kept.threadBefore(thread);
      for (const [emails, by] of [[before, -1], [now, 1]] as const) {
        const unread = emails.some((each) => !each.keywords.$seen);
        for (const mailbox of new Set(emails.flatMap((each) => Object.keys(each.mailboxIds)))) {
          add(mailbox, "totalThreads", by);
          if (unread) add(mailbox, "unreadThreads", by);
        }
      }
    }
    return found;
  }
}

function sum(mailbox: Mailbox, by: Count): Count {
  const plus = (part: keyof Count) => Math.max(0, mailbox[part] + by[part]);
  return { total: plus("total"), unread: plus("unread"), totalThreads: plus("totalThreads"), unreadThreads: plus("unreadThreads") };
}

/** The server's mailboxes as a tree that is walked from the top. */
function drawn(all: ReadonlyMap<Id, JmapMailbox>): Mailbox[] {
  const rank = (each: JmapMailbox) => {
    const role = ROLES.indexOf(roleOf(each) as Role);
    return role < 0 ? ROLES.length : role;
  };
  const children = new Map<Id | null, JmapMailbox[]>();
  for (const each of all.values()) {
    // One whose parent isn't there stands at the top rather than nowhere.
    const parent = each.parentId && all.has(each.parentId) ? each.parentId : null;
    children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const found: Mailbox[] = [];
  const walk = (parent: Id | null, path: string[]) => {
    const here = children.get(parent) ?? [];
    here.sort((a, b) => rank(a) - rank(b) || a.sortOrder - b.sortOrder || a.name.localeCompare(b.name));
    for (const each of here) {
      found.push({
        id: each.id, name: each.name, role: roleOf(each), parent, depth: path.length, path: [...path, each.name],
        total: each.totalEmails, unread: each.unreadEmails, totalThreads: each.totalThreads, unreadThreads: each.unreadThreads,
        may: {
          add: each.myRights.mayAddItems ?? false, remove: each.myRights.mayRemoveItems ?? false, rename: each.myRights.mayRename ?? false,
          delete: each.myRights.mayDelete ?? false, nest: each.myRights.mayCreateChild ?? false,
        },
        pending: false,
      });
      walk(each.id, [...path, each.name]);
    }
  };
  walk(null, []);
  return found;
}

/** The mailbox of snoozed mail has its role by its name: there is none in the registry. */
function roleOf(mailbox: JmapMailbox): Role | null {
  if (ROLES.includes(mailbox.role as Role)) return mailbox.role as Role;
  return !mailbox.role && !mailbox.parentId && mailbox.name === "Snoozed" ? "snoozed" : null;
}
