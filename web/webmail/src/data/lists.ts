/**
 * Live windows into lists of any length. The server's order where it answers, this device's where it doesn't; what
 * waits in the outbox laid over both, so that a row goes and comes the moment somebody acts.
 */

import { computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Id, ListPort, ListQuery, ListView, MailList, Outcome, Problem, Row } from "./contract";
import type { ConnectionState } from "./connection";
import { keep, type KeptEmail } from "./database";
import { Failure, outcome, problemOf } from "./failures";
import type { Client } from "./jmap/client";
import { LISTED, ref, type Call, type GetResult, type JmapEmail, type QueryResult } from "./jmap/types";
import type { Kept } from "./kept";
import type { Mailboxes } from "./mailboxes";
import type { Frame, Rows } from "./rows";
import type { Filter } from "./search/filter";
import type { Sought } from "./search/searching";
import type { World } from "./world";

const PAGE = 50;
const QUIET_MS = 60; // scrolling on isn't followed by a request for each step
const MOST_AT_ONCE = 500;
const MOST_SELECTED = 20_000;
const MOST_TURNS = 5; // a server that doesn't give what it counted isn't asked for ever

export interface ListParts {
  world: World;
  client: Client;
  kept: Kept;
  mailboxes: Mailboxes;
  rows: Rows;
  /** Null until the part of the webmail that searches is here. */
  seek: (text: string) => ReadonlySignal<Sought | null>;
  connection: ConnectionState;
  me: () => string;
}

export class Lists implements ListPort {
  constructor(private readonly parts: ListParts) {}

  open(query: ListQuery): MailList {
    return new LiveList(this.parts, query);
  }
}

interface Order {
  /** Exemplars by position; undefined: not asked for yet. Null: nothing is known. */
  ids: (Id | undefined)[] | null;
  from: "server" | "device";
}

class LiveList implements MailList {
  readonly view: ReadonlySignal<ListView>;
  private readonly range = signal<[number, number]>([0, PAGE]);
  private readonly order = signal<Order>({ ids: null, from: "device" });
  private readonly busy = signal(false);
  private readonly problem = signal<Problem | null>(null);
  private readonly frame: Frame;
  /** Of a search. */
  private readonly sought: ReadonlySignal<Sought | null> | null;
  private readonly mailbox: Id | null;
  /** Of the server's order with the outbox laid over it. */
  private readonly shown: ReadonlySignal<(Id | undefined)[] | null>;
  private readonly keys: ReadonlySignal<Map<Id, number>>;
  private readonly made = new Map<Id, { at: number; row: Row | null }>();
  private asking: Promise<void> | null = null;
  private askAgain = false;
  private timer: (() => void) | null = null;
  private closed = false;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly parts: ListParts, readonly query: ListQuery) {
    const where = query.in;
    this.sought = "search" in where ? parts.seek(where.search) : null;
    this.mailbox = "mailbox" in where && where.mailbox ? where.mailbox : null;
    this.frame = { mailbox: this.mailbox, conversations: query.conversations, me: parts.me() };
    this.shown = computed(() => this.overlaid());
    this.keys = computed(() => this.positions());
    this.view = computed(() => this.seen());
    this.ends.push(parts.connection.whenBack(() => this.refresh()));
    let first = true;
    this.ends.push(effect(() => {
      void parts.kept.synced.value;
      void this.sought?.value;
      if (!first) untracked(() => this.refresh());
      first = false;
    }));
    this.refresh();
  }

  show(first: number, last: number): void {
    const [a, b] = this.range.value;
    if (a === first && b === last) return;
    this.range.value = [Math.max(0, first), Math.max(first, last)];
    if (this.missing()) this.askSoon();
  }

  row(index: number): Row | null {
    const id = this.shown.value?.[index];
    return id === undefined ? null : this.rowOf(id);
  }

  indexOf(key: Id): number {
    return this.keys.value.get(key) ?? -1;
  }

  async beside(key: Id, step: 1 | -1): Promise<Row | null> {
    const index = this.indexOf(key) + step;
    const length = this.shown.value?.length ?? 0;
    if (index - step < 0 || index < 0 || index >= length) return null;
    if (!this.row(index)) {
      this.range.value = [Math.max(0, index - PAGE / 2), index + PAGE / 2];
      await this.ask();
    }
    return this.row(index);
  }

  everything(): Promise<Outcome<Id[]>> {
    return outcome("unchanged", async () => {
      if (this.order.value.from === "device") return [...this.parts.kept.newestFirst()].filter(this.test()).map((each) => each.id);
      const found: Id[] = [];
      while (found.length < MOST_SELECTED) {
        const answer = await this.parts.client.call([
          ["Email/query", { filter: this.filter(), sort: this.sort(), position: found.length, limit: MOST_AT_ONCE }, "q"],
          ["Email/get", { "#ids": ref("q", "Email/query", "/ids"), properties: LISTED }, "g"],
        ]);
        const { ids } = answer.of<QueryResult>("q");
        await this.parts.kept.found(answer.of<GetResult<JmapEmail>>("g").list.map(keep));
        found.push(...ids);
        if (!ids.length) break;
      }
      return found;
    });
  }

  /** Asks the server anew for what is visible; until it has answered, what is known stays. */
  refresh(): void {
    if (!this.closed) this.askSoon(0, true);
  }

  close(): void {
    this.closed = true;
    this.timer?.();
    for (const end of this.ends) end();
  }

  // ------------------------------------------------------------------------------------------ asking

  private stale = true;

  private askSoon(wait = QUIET_MS, stale = false): void {
    this.stale ||= stale;
    this.timer?.();
    this.timer = this.parts.world.later(wait, () => void this.ask());
  }

  private ask(): Promise<void> {
    if (this.asking) {
      this.askAgain = true;
      return this.asking;
    }
    this.asking = this.askNow().finally(() => (this.asking = null));
    return this.asking;
  }

  private async askNow(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      this.askAgain = false;
      if (this.closed || !(this.stale || this.missing())) return;
      this.busy.value = true;
      try {
        await this.fetch();
        this.problem.value = null;
      } catch (error) {
        // What was there stays where it is: a list that is looked at doesn't shrink to what this device has.
        this.problem.value = problemOf(error, "unchanged");
        return;
      } finally {
        this.busy.value = false;
      }
      if (!this.askAgain && !this.missing()) return;
    }
  }

  private missing(): boolean {
    const { ids, from } = this.order.value;
    if (from === "device" || !ids) return this.stale;
    const [first, last] = this.range.value;
    for (let at = first; at < Math.min(last, ids.length); at++) if (ids[at] === undefined) return true;
    return false;
  }

  private async fetch(): Promise<void> {
    if (this.sought && !this.parts.mailboxes.all.value) throw new Failure("not-here");
    if (this.sought && !this.sought.value) return; // comes again when it can
    const stale = this.stale;
    this.stale = false;
    try {
      const [first, last] = this.range.value;
      const position = Math.floor(first / PAGE) * PAGE;
      const limit = Math.min(Math.max(PAGE, Math.ceil((last - position) / PAGE) * PAGE), 4 * PAGE);
      const answer = await this.parts.client.call(this.calls(position, limit));
      const query = answer.of<QueryResult>("q");
      await this.parts.kept.found(answer.of<GetResult<JmapEmail>>("g").list.map(keep));
      if (this.closed) return;
      this.order.value = { ids: this.joined(query, stale), from: "server" };
      this.parts.kept.settled.clear();
    } catch (error) {
      this.stale = true;
      throw error;
    }
  }

  private calls(position: number, limit: number): Call[] {
    const query: Call = ["Email/query", {
      filter: this.filter(), sort: this.sort(), position, limit, calculateTotal: true, collapseThreads: this.query.conversations,
    }, "q"];
    const ids = { "#ids": ref("q", "Email/query", "/ids") };
    if (!this.query.conversations) return [query, ["Email/get", { ...ids, properties: LISTED }, "g"]];
    return [
      query,
      ["Email/get", { ...ids, properties: ["threadId"] }, "t"],
      ["Thread/get", { "#ids": ref("t", "Email/get", "/list/*/threadId") }, "h"],
      ["Email/get", { "#ids": ref("h", "Thread/get", "/list/*/emailIds"), properties: LISTED }, "g"],
    ];
  }

  /** The window put into what is known. If the list has changed, the rest isn't known any more. */
  private joined(query: QueryResult, stale: boolean): (Id | undefined)[] {
    const total = query.total ?? query.position + query.ids.length;
    const before = this.order.value.from === "server" ? this.order.value.ids : null;
    const same = before?.length === total && (!stale || query.ids.every((id, index) => before[query.position + index] === id));
    const ids: (Id | undefined)[] = same ? [...before!] : new Array<Id | undefined>(total).fill(undefined);
    query.ids.forEach((id, index) => (ids[query.position + index] = id));
    return ids;
  }

  private sort() {
    return [{ property: "receivedAt", isAscending: this.query.order === "oldest" }];
  }

  private filter(): Filter | null {
    const where = this.query.in;
    const parts: Filter[] = [];
    if (this.sought) {
      const filter = this.sought.value?.filter(this.mailbox && this.parts.kept.real(this.mailbox));
      if (filter) parts.push(filter);
    } else if (this.mailbox) parts.push({ inMailbox: this.parts.kept.real(this.mailbox) });
    else if ("special" in where) {
      const apart = this.apart();
      parts.push({ ...(where.special === "starred" ? { hasKeyword: "$flagged" } : { notKeyword: "$seen" }), ...(apart.length ? { inMailboxOtherThan: apart } : {}) });
    }
    if (this.query.unreadOnly) parts.push({ notKeyword: "$seen" });
    return parts.length > 1 ? { operator: "AND", conditions: parts } : parts[0] ?? null;
  }

  private apart(): Id[] {
    return (this.parts.mailboxes.all.value ?? []).filter((each) => each.role === "trash" || each.role === "junk").map((each) => each.id);
  }

  // ----------------------------------------------------------------------------------------- showing

  /** Whether an Email belongs here, by what this device knows. */
  private test(): (email: KeptEmail) => boolean {
    const where = this.query.in;
    let test: (email: KeptEmail) => boolean;
    if (this.sought) test = this.sought.value?.test(this.mailbox) ?? (() => false);
    else if (this.mailbox) {
      const mailbox = this.parts.kept.real(this.mailbox);
      test = (email) => mailbox in email.mailboxIds;
    } else {
      const apart = new Set(this.apart());
      const starred = "special" in where && where.special === "starred";
      test = (email) => (starred ? "$flagged" in email.keywords : !email.keywords.$seen) && Object.keys(email.mailboxIds).some((id) => !apart.has(id));
    }
    return this.query.unreadOnly ? (email) => !email.keywords.$seen && test(email) : test;
  }

  private overlaid(): (Id | undefined)[] | null {
    const { kept } = this.parts;
    void kept.changed.value;
    const { ids, from } = this.order.value;
    if (from === "device") return this.fromDevice();
    if (!ids) return null;
    const hidden = new Set<Id>();
    const here = new Set<Id>();
    for (const id of ids) {
      if (id === undefined) continue;
      here.add(this.keyOf(id));
      if (!this.stays(id)) hidden.add(id);
    }
    const shown = hidden.size ? ids.filter((id) => id === undefined || !hidden.has(id)) : ids;
    const added = this.added(here);
    return added.length ? this.insert(shown, added) : shown;
  }

  private fromDevice(): (Id | undefined)[] | null {
    const { kept } = this.parts;
    if (kept.loaded.value === "none") return null;
    if (this.sought && !this.sought.value) return null;
    void this.sought?.value?.ready.value;
    const test = this.test();
    const found: Id[] = [];
    const threads = new Set<Id>();
    for (const email of kept.newestFirst()) {
      if (!test(email) || threads.has(email.threadId)) continue;
      if (this.query.conversations) threads.add(email.threadId);
      found.push(email.id);
    }
    // Nothing here and never heard of by the server: not known, rather than empty.
    if (!found.length && this.mailbox && !this.sought && !this.problem.value && !this.complete(0)) return null;
    return this.query.order === "oldest" ? found.reverse() : found;
  }

  /** Whether this device has all of the list. */
  private complete(length: number): boolean {
    if (this.sought || !this.mailbox) return false;
    const mailbox = this.parts.mailboxes.byId(this.mailbox);
    if (!mailbox) return false;
    return length >= (this.query.conversations ? mailbox.totalThreads : mailbox.total);
  }

  private stays(id: Id): boolean {
    const { kept } = this.parts;
    const base = kept.base.get(kept.real(id));
    if (!base) return !kept.isBuried(id);
    const emails = this.query.conversations ? kept.thread(base.threadId) : [kept.email(id)].filter((each): each is KeptEmail => !!each);
    if (!this.sought && this.mailbox) {
      const mailbox = kept.real(this.mailbox);
      return emails.some((each) => mailbox in each.mailboxIds);
    }
    if (!emails.length) return false;
    const apart = new Set(this.apart());
    return !emails.some((each) => kept.isPending(each.id)) || emails.some((each) => Object.keys(each.mailboxIds).some((box) => !apart.has(box)));
  }

  /** Of what waits, or has just ceased to, what belongs here and isn't. */
  private added(here: Set<Id>): KeptEmail[] {
    if (this.sought) return [];
    const { kept } = this.parts;
    const test = this.test();
    const found = new Map<Id, KeptEmail>();
    for (const id of [...kept.pending(), ...kept.settled]) {
      const email = kept.email(id);
      if (!email || !test(email)) continue;
      const key = this.keyOf(id);
      const before = found.get(key);
      if (!here.has(key) && (!before || email.age < before.age)) found.set(key, email);
    }
    return [...found.values()];
  }

  private insert(ids: (Id | undefined)[], added: KeptEmail[]): (Id | undefined)[] {
    const shown = [...ids];
    const before = this.query.order === "oldest" ? -1 : 1;
    for (const email of added) {
      let at = 0;
      for (; at < shown.length; at++) {
        const id = shown[at];
        const other = id === undefined ? undefined : this.parts.kept.base.get(id);
        if (!other || (other.age - email.age) * before > 0) break;
      }
      // In the middle of what isn't known, its place isn't known either.
      if (at < shown.length && shown[at] === undefined) continue;
      shown.splice(at, 0, email.id);
    }
    return shown;
  }

  private keyOf(id: Id): Id {
    return this.query.conversations ? this.parts.kept.base.get(this.parts.kept.real(id))?.threadId ?? id : id;
  }

  private positions(): Map<Id, number> {
    const found = new Map<Id, number>();
    this.shown.value?.forEach((id, index) => id !== undefined && found.set(this.keyOf(id), index));
    return found;
  }

  private rowOf(id: Id): Row | null {
    const at = this.parts.kept.changed.value;
    const known = this.made.get(id);
    if (known?.at === at) return known.row;
    const row = this.parts.rows.make(id, this.frame);
    // A row that says the same is the same object: it isn't drawn again.
    const same = known?.row && row && JSON.stringify(known.row) === JSON.stringify(row) ? known.row : row;
    this.made.set(id, { at, row: same });
    return same;
  }

  private seen(): ListView {
    const shown = this.shown.value;
    const [first, last] = this.range.value;
    const { from } = this.order.value;
    void this.parts.mailboxes.all.value;
    const length = shown?.length ?? null;
    const rows = shown ? shown.slice(first, Math.min(last, shown.length)).map((id) => (id === undefined ? null : this.rowOf(id))) : [];
    return {
      length, first, rows, from, complete: from === "server" || (length !== null && this.complete(length)),
      busy: this.busy.value, problem: this.problem.value, marks: this.sought?.value?.marks ?? [],
    };
  }
}
