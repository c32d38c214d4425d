/** Search on this device: what is here is folded ahead of the first keystroke, some at a time. */

import { signal, type ReadonlySignal } from "@preact/signals";
import type { Id, Mailbox, Row, SearchPort } from "../contract";
import type { KeptEmail } from "../database";
import type { Kept } from "../kept";
import type { Rows } from "../rows";
import type { Bodies } from "../sync/bodies";
import type { World } from "../world";
import { complete } from "./complete";
import { filterOf, type Filter, type Place } from "./filter";
import { fold } from "./fold";
import { Searched, type Test } from "./match";
import { parse } from "./parse";

const AT_ONCE = 200;

/** A search as a list asks for it: of the server, and of this device. */
export interface Sought {
  marks: string[];
  filter(mailbox: Id | null): Filter | null;
  test(mailbox: Id | null): Test;
  /** Counts up as texts come. */
  ready: ReadonlySignal<number>;
}

export class Searching {
  private readonly ready = signal(0);
  private readonly searched = new Searched();
  private loading: Promise<void> | null = null;

  constructor(
    private readonly world: World,
    private readonly kept: Kept,
    private readonly rows: Rows,
    private readonly mailboxes: () => Mailbox[],
    private readonly me: () => string,
    /** Whether the server can search for names of attachments. */
    private readonly byName: () => boolean,
    bodies: Bodies,
  ) {
    bodies.whenChanged((id) => {
      if (this.loading) void kept.db.get("texts", id).then((found) => this.searched.setText(id, found ?? null));
    });
  }

  /** All texts of this device, once. */
  load(): Promise<void> {
    this.loading ??= this.loadAll();
    return this.loading;
  }

  seek(text: string): Sought {
    void this.load();
    const { tree, marks } = parse(text, this.world.now());
    return {
      marks, ready: this.ready, filter: (mailbox) => filterOf(tree, this.place(), mailbox),
      test: (mailbox) => this.searched.test(tree, this.place(), mailbox),
    };
  }

  private place(): Place {
    return { mailboxes: this.mailboxes(), me: this.me(), now: this.world.now(), byName: this.byName() };
  }

  /** The newest `limit` that match; conversations once. */
  find(text: string, limit: number, conversations: boolean): Row[] {
    const place = this.place();
    const test = this.searched.test(parse(text, place.now).tree, place, null);
    const found: Row[] = [];
    const seen = new Set<Id>();
    for (const email of this.kept.newestFirst()) {
      if (found.length >= limit) break;
      if (seen.has(email.threadId) || !test(email)) continue;
      if (conversations) seen.add(email.threadId);
      const row = this.rows.make(email.id, { mailbox: null, conversations, me: place.me });
      if (row) found.push(row);
    }
    return found;
  }

  port(conversations: () => boolean, addresses: (text: string) => string[]): SearchPort {
    return {
      parse: (text) => {
        const { pieces, marks } = parse(text, this.world.now());
        return { text, pieces, marks };
      },
      complete: (text, cursor, language) => complete(text, cursor, language, this.mailboxes(), addresses),
      quick: async (text, limit) => {
        await this.load();
        return text.trim() ? this.find(text, limit, conversations()) : [];
      },
      fold,
    };
  }

  private async loadAll(): Promise<void> {
    for (const each of await this.kept.db.getAll("texts")) this.searched.setText(each.id, each);
    this.ready.value++;
    const all: KeptEmail[] = [...this.kept.newestFirst()];
    for (let at = 0; at < all.length; at += AT_ONCE) {
      for (const each of all.slice(at, at + AT_ONCE)) this.searched.prepare(each);
      await new Promise<void>((go) => this.world.later(0, go));
    }
  }
}
