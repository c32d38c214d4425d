/**
 * Keeps this device equal to the server, for what it keeps. One tab does it, for all.
 *
 * SYNC-1 What a /changes tells and its new state are written in one transaction, so an interruption at any point
 *        costs a repetition and never a change.
 * SYNC-2 The state of Email is taken before the first Email is listed, so what changes meanwhile comes by /changes.
 * SYNC-3 An error is never an answer: nothing is removed here but what the server says is gone.
 */

import type { Blobs } from "../blobs";
import type { Id } from "../contract";
import type { ConnectionState } from "../connection";
import { keep, type KeptEmail, type KeptObject } from "../database";
import { Failure } from "../failures";
import type { Client, Responses } from "../jmap/client";
import { LISTED, ref, type Call, type ChangesResult, type GetResult, type JmapEmail, type QueryResult } from "../jmap/types";
import type { Kept } from "../kept";
import type { World } from "../world";
import type { Bodies } from "./bodies";
import { WHOLE, type Whole } from "./types";

const PAGE = 100;
const MOST_CHANGES = 500;
const DAY_MS = 86_400_000;
export const MOST_EMAILS = 20_000; // beyond, those that are oldest are given up here

interface First { until: string; last: Id | null; before: string | null; done: number }

export class Sync {
  private running: Promise<void> | null = null;
  private again = false;
  private ended = false;

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly kept: Kept,
    private readonly bodies: Bodies,
    private readonly blobs: Blobs,
    private readonly connection: ConnectionState,
    private readonly offers: (capability: string) => boolean,
    private readonly days: () => number,
    private readonly arrived: (emails: KeptEmail[]) => void,
  ) {}

  /** Soon, if it isn't under way; once more if it is. */
  nudge(): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.run().finally(() => (this.running = null));
    return this.running;
  }

  end(): void {
    this.ended = true;
  }

  private async run(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.once();
      } catch (error) {
        if (this.ended) return;
        this.report("idle");
        if (!(error instanceof Failure)) throw error;
        // Temporary ones: `connection` says when to come back. Others are answered, and met again at the next change.
        return;
      }
    } while (this.again && !this.ended);
  }

  private async once(): Promise<void> {
    const known = (await this.kept.state("state:Email")) !== undefined;
    if (!known) await this.begin();
    else await this.changes();
    if (known) await this.further();
    await this.first();
    this.report("idle", 0, 0, true);
    await this.bodies.fetchMissing(this.days(), (done, total) => this.report("bodies", done, total));
    await this.giveUpOldest();
    this.report("idle", 0, 0, true);
    // Nobody waits for these; changes don't wait for them.
    await this.blobs.fetchSmall(this.days(), () => this.again || this.ended);
  }

  // ------------------------------------------------------------------------------------ the first time

  private async begin(): Promise<void> {
    this.report("first");
    const calls: Call[] = [["Email/get", { ids: [], properties: ["id"] }, "state"]];
    const offered = WHOLE.filter((each) => this.offers(each.capability));
    for (const each of offered) calls.push(...wholly(each));
    const answer = await this.inTurns(calls);
    const objects: KeptObject[] = [];
    const states: Record<string, unknown> = { "state:Email": answer("state").state };
    for (const each of offered) {
      await unlessOut(async () => {
        const got = answer(each.type);
        states[`state:${each.type}`] = got.state;
        for (const value of got.list) objects.push({ type: each.type, id: value.id, value });
      });
    }
    states.days = this.days();
    states.first = { until: new Date(this.world.now()).toISOString(), last: null, before: null, done: 0 } satisfies First;
    await this.kept.write({ objects, states });
    for (const each of offered.filter((one) => one.many)) await this.beyond(each);
  }

  /** Objects of a type of which there may be more than one /get gives. */
  private async beyond(each: Whole): Promise<void> {
    const have = this.kept.baseObjects(each.type).length;
    if (have < PAGE) return;
    for (let position = have; ; ) {
      const page = await this.client.call([
        [`${each.type}/query`, { position, limit: PAGE }, "q"],
        [`${each.type}/get`, { "#ids": ref("q", `${each.type}/query`, "/ids") }, "g"],
      ]);
      const got = page.of<GetResult<KeptObject["value"]>>("g").list;
      await this.kept.write({ objects: got.map((value) => ({ type: each.type, id: value.id, value })) });
      if (got.length < PAGE) return;
      position += got.length;
    }
  }

  /** More days are wanted than are here, or fewer. */
  private async further(): Promise<void> {
    const here = (await this.kept.state<number>("days")) ?? 0;
    if (this.days() < here) {
      await this.bodies.giveUpOlder(this.days());
      await this.kept.write({ states: { days: this.days() } });
    }
    if (this.days() <= here) return;
    await this.kept.write({ states: { days: this.days(), first: { until: new Date(this.world.now()).toISOString(), last: null, before: null, done: 0 } satisfies First } });
  }

  /** The last days' mail, newest first; goes on where it was interrupted. */
  private async first(): Promise<void> {
    let at = await this.kept.state<First | null>("first");
    if (!at) return;
    const after = new Date(Date.parse(at.until) - Math.max(this.days(), 1) * DAY_MS).toISOString();
    while (!this.ended) {
      const window = at.last
        ? { filter: { after }, anchor: at.last, anchorOffset: 1 }
        : { filter: at.before ? { after, before: at.before } : { after }, position: 0 };
      const sort = [{ property: "receivedAt", isAscending: false }];
      const answer = await this.client.call([
        ["Email/query", { ...window, sort, limit: PAGE, calculateTotal: true }, "q"],
        ["Email/get", { "#ids": ref("q", "Email/query", "/ids"), properties: LISTED }, "g"],
      ]);
      let query: QueryResult;
      try {
        query = answer.of<QueryResult>("q");
      } catch (error) {
        if (!(error instanceof Failure) || error.more.type !== "anchorNotFound" || !at.last) throw error;
        // The one we stood at is gone: from its time on, that second once more.
        at = { ...at, last: null };
        continue;
      }
      const emails = answer.of<GetResult<JmapEmail>>("g").list.map(keep);
      const oldest = emails.reduce<KeptEmail | null>((old, each) => (!old || each.age > old.age ? each : old), null);
      const more = query.ids.length === PAGE;
      at = {
        until: at.until, last: query.ids.at(-1) ?? null, done: at.done + query.ids.length,
        before: oldest ? new Date(-oldest.age + 1000).toISOString() : at.before,
      };
      await this.kept.write({ emails, states: { first: more ? at : null } });
      this.report("first", at.done, query.total ?? at.done);
      if (!more) return;
    }
  }

  // -------------------------------------------------------------------------------------- from then on

  private async changes(): Promise<void> {
    this.report("changes");
    await this.objectChanges();
    let more = true;
    while (more && !this.ended) more = await this.emailChanges();
  }

  private async objectChanges(): Promise<void> {
    const offered = WHOLE.filter((each) => this.offers(each.capability));
    const states = await Promise.all(offered.map((each) => this.kept.state(`state:${each.type}`)));
    const calls: Call[] = [];
    offered.forEach((each, index) => {
      // A type that the server didn't offer before is had whole.
      if (states[index] === undefined) calls.push(...wholly(each));
      else calls.push(...changed(each.type, states[index]));
    });
    const answer = await this.inTurns(calls);
    const again: Whole[] = [];
    for (const [index, each] of offered.entries()) {
      await unlessOut(async () => {
        if (states[index] === undefined) await this.takeWhole(each, answer(each.type));
        else if (!(await this.takeChanges(each, answer))) again.push(each);
      });
    }
    for (const each of again) {
      const got = await this.inTurns(wholly(each));
      await unlessOut(() => this.takeWhole(each, got(each.type)));
    }
  }

  private async takeChanges(each: Whole, answer: (id: string) => GetResult<KeptObject["value"]>): Promise<boolean> {
    let told: ChangesResult;
    try {
      told = answer(`${each.type}:changes`) as unknown as ChangesResult;
    } catch (error) {
      if (error instanceof Failure && error.more.type === "cannotCalculateChanges") return false;
      throw error;
    }
    if (told.newState === told.oldState) return true;
    const made = answer(`${each.type}:created`);
    const updated = answer(`${each.type}:updated`);
    const objects = [...made.list, ...updated.list].map((value) => ({ type: each.type, id: value.id, value }));
    const gone = [...told.destroyed, ...made.notFound, ...updated.notFound];
    await this.kept.write({
      objects, objectsGone: gone.map((id) => [each.type, id]), states: { [`state:${each.type}`]: told.newState },
    });
    return !told.hasMoreChanges;
  }

  private async takeWhole(each: Whole, got: GetResult<KeptObject["value"]>): Promise<void> {
    const now = new Set(got.list.map((value) => value.id));
    const gone = each.many ? [] : this.kept.baseObjects(each.type).filter((value) => !now.has(value.id));
    await this.kept.write({
      objects: got.list.map((value) => ({ type: each.type, id: value.id, value })),
      objectsGone: gone.map((value) => [each.type, value.id]),
      states: { [`state:${each.type}`]: got.state },
    });
    if (each.many) await this.beyond(each);
  }

  /** One step of Email/changes; whether there is more. SYNC-1 */
  private async emailChanges(): Promise<boolean> {
    const since = await this.kept.state("state:Email");
    const answer = await this.client.call([
      ["Email/changes", { sinceState: since, maxChanges: MOST_CHANGES }, "c"],
      ["Email/get", { "#ids": ref("c", "Email/changes", "/created"), properties: LISTED }, "n"],
    ]);
    let told: ChangesResult;
    try {
      told = answer.of<ChangesResult>("c");
    } catch (error) {
      if (!(error instanceof Failure) || error.more.type !== "cannotCalculateChanges") throw error;
      await this.compareAll();
      return false;
    }
    if (told.newState === told.oldState) return false;
    const made = answer.of<GetResult<JmapEmail>>("n");
    const known = told.updated.filter((id) => this.kept.base.has(id));
    const got = known.length
      ? await this.client.getAll<Pick<JmapEmail, "id" | "mailboxIds" | "keywords">>("Email", known, { properties: ["id", "mailboxIds", "keywords"] })
      : { list: [], notFound: [] };
    const fresh = made.list.filter((each) => !this.kept.base.has(each.id)).map(keep);
    const moved = got.list.map((each) => ({ ...this.kept.base.get(each.id)!, ...each }));
    await this.kept.write({
      emails: [...made.list.map(keep), ...moved],
      emailsGone: [...told.destroyed, ...got.notFound].filter((id) => this.kept.base.has(id)),
      states: { "state:Email": told.newState },
    });
    if (fresh.length) this.arrived(fresh);
    return told.hasMoreChanges;
  }

  /** After so long that the server can't tell what changed: every Email that is here is asked for. SYNC-3 */
  private async compareAll(): Promise<void> {
    const state = (await this.client.one<GetResult<JmapEmail>>("Email/get", { ids: [], properties: ["id"] })).state;
    await this.kept.loadRest();
    const got = await this.client.getAll<JmapEmail>("Email", [...this.kept.base.keys()], { properties: ["id", "mailboxIds", "keywords"] });
    await this.kept.write({
      emails: got.list.map((each) => ({ ...this.kept.base.get(each.id)!, ...each })),
      emailsGone: got.notFound,
      states: {
        "state:Email": state,
        first: { until: new Date(this.world.now()).toISOString(), last: null, before: null, done: 0 } satisfies First,
      },
    });
  }

  /** Keeps the number of Emails here within bounds: those before the offline days, oldest first. */
  private async giveUpOldest(): Promise<void> {
    const over = (await this.kept.db.count("emails")) - MOST_EMAILS;
    if (over <= 0) return;
    const limit = -(this.world.now() - this.days() * DAY_MS);
    const gone: Id[] = [];
    let cursor = await this.kept.db.transaction("emails").store.index("age").openKeyCursor(null, "prev");
    for (; cursor && gone.length < over && (cursor.key as number) > limit; cursor = await cursor.continue()) {
      gone.push(cursor.primaryKey);
    }
    if (gone.length) await this.kept.write({ emailsGone: gone });
  }

  /** Calls in as many requests as the server's limit wants; groups of calls that refer to each other stay together. */
  private async inTurns(calls: Call[]): Promise<(id: string) => GetResult<KeptObject["value"]>> {
    const most = this.client.limit("maxCallsInRequest", 16);
    const groups: Call[][] = [[]];
    for (const call of calls) {
      const begins = !Object.keys(call[1]).some((name) => name.startsWith("#"));
      const last = groups[groups.length - 1]!;
      if (begins && last.length + 3 > most) groups.push([call]);
      else last.push(call);
    }
    const answers: { ids: Set<string>; got: Responses }[] = [];
    for (const group of groups) if (group.length) answers.push({ ids: new Set(group.map((each) => each[2])), got: await this.client.call(group) });
    return (id) => answers.find((each) => each.ids.has(id))!.got.of(id);
  }

  private report(phase: "idle" | "first" | "changes" | "bodies", done = 0, total = 0, upToDate = false): void {
    const before = this.connection.sync.value.upToDate;
    this.connection.sync.value = { phase, done, total, upToDate: upToDate ? this.world.now() : before };
  }
}

/** Contacts that can't be had now are had later; mail doesn't wait for them. */
async function unlessOut(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure) || !error.temporary) throw error;
  }
}

function wholly(each: Whole): Call[] {
  if (!each.many) return [[`${each.type}/get`, { ids: null }, each.type]];
  return [
    [`${each.type}/query`, { position: 0, limit: PAGE }, `${each.type}:query`],
    [`${each.type}/get`, { "#ids": ref(`${each.type}:query`, `${each.type}/query`, "/ids") }, each.type],
  ];
}

function changed(type: string, since: unknown): Call[] {
  const id = `${type}:changes`;
  return [
    [`${type}/changes`, { sinceState: since }, id],
    [`${type}/get`, { "#ids": ref(id, `${type}/changes`, "/created") }, `${type}:created`],
    [`${type}/get`, { "#ids": ref(id, `${type}/changes`, "/updated") }, `${type}:updated`],
  ];
}
