/** Sends what waits as /set, and takes its answers apart: done, to be tried again, refused. */

import type { Id } from "../contract";
import type { KeptEmail } from "../database";
import { failureOfSet, problemOf, type Failure } from "../failures";
import type { Client } from "../jmap/client";
import type { GetResult, QueryResult, SetResult } from "../jmap/types";
import type { Change, Kept } from "../kept";
import { together, type Operation, type SetOperation } from "../operations";
import { patched, type Patch } from "../patches";

/** What the server alone sets: shown here until it has. */
const THEIRS: Record<string, string[]> = { Mailbox: ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads", "myRights"] };

type Thing = Record<string, unknown> & { id: Id };

export interface Tried {
  /** Not decided for some: the lane waits. */
  waits: Failure | null;
  refused: SetOperation[];
}

export class Sets {
  constructor(
    private readonly client: Client,
    private readonly kept: Kept,
  ) {}

  /** `claimed`: as they were before. Throws `Failure` when nothing is known of what became of them. */
  async send(claimed: SetOperation[]): Promise<Tried> {
    const first = claimed[0]!;
    const update = together(claimed);
    const create = { ...first.create };
    const found: Record<Id, Thing> = {};
    if (first.begun) {
      for (const [local, value] of Object.entries(create)) {
        const twin = await this.twin(first.type, value);
        if (!twin) continue;
        found[local] = twin;
        delete create[local];
      }
    }
    const result = await this.set(first, create, update);
    for (const [local, twin] of Object.entries(found)) result.created = { ...result.created, [local]: twin };
    return this.settle(claimed, update, result);
  }

  private async set(first: SetOperation, create: Record<Id, Thing>, update: Record<Id, Patch>): Promise<SetResult> {
    const most = this.client.limit("maxObjectsInSet", 100);
    const updates = Object.entries(update);
    const whole: SetResult = {
      oldState: null, newState: "", created: {}, updated: {}, destroyed: [], notCreated: {}, notUpdated: {}, notDestroyed: {},
    };
    const theirs = ["id", ...(THEIRS[first.type] ?? [])];
    const creates = Object.fromEntries(Object.entries(create).map(([local, value]) =>
      [local, Object.fromEntries(Object.entries(value).filter(([name]) => !theirs.includes(name)))]));
    if (first.type === "Mailbox") for (const id of first.destroy) await this.clear(id);
    const parts: Record<string, unknown>[] = [];
    if (Object.keys(creates).length) parts.push({ create: creates });
    for (let at = 0; at < updates.length; at += most) parts.push({ update: Object.fromEntries(updates.slice(at, at + most)) });
    for (let at = 0; at < first.destroy.length; at += most) parts.push({ destroy: first.destroy.slice(at, at + most) });
    for (const part of parts) {
      const result = await this.client.one<SetResult>(`${first.type}/set`, { ...part, ...first.args });
      Object.assign(whole.created!, result.created);
      Object.assign(whole.updated!, result.updated);
      whole.destroyed!.push(...(result.destroyed ?? []));
      Object.assign(whole.notCreated!, result.notCreated);
      Object.assign(whole.notUpdated!, result.notUpdated);
      Object.assign(whole.notDestroyed!, result.notDestroyed);
    }
    return whole;
  }

  /** What stands in a mailbox that is removed goes to the trash, unless it stands elsewhere as well. */
  private async clear(mailbox: Id): Promise<void> {
    const trash = this.kept.baseObjects("Mailbox").find((each) => each.role === "trash")?.id;
    for (;;) {
      const { ids } = await this.client.one<QueryResult>("Email/query", { filter: { inMailbox: mailbox }, limit: 100 });
      if (!ids.length || !trash) return;
      const { list } = await this.client.one<GetResult<KeptEmail>>("Email/get", { ids, properties: ["id", "mailboxIds"] });
      const update = Object.fromEntries(list.map((each) => [each.id, Object.keys(each.mailboxIds).length > 1
        ? { [`mailboxIds/${mailbox}`]: null } : { mailboxIds: { [trash]: true } }]));
      const result = await this.client.one<SetResult>("Email/set", { update });
      if (!Object.keys(result.updated ?? {}).length) return;
    }
  }

  private async settle(claimed: SetOperation[], update: Record<Id, Patch>, result: SetResult): Promise<Tried> {
    const { type } = claimed[0]!;
    const change: Change = { emails: [], emailsGone: [], objects: [], objectsGone: [], operations: [], operationsGone: [], names: {} };
    const failures = new Map<Id, Failure>();
    for (const [id, error] of Object.entries({ ...result.notCreated, ...result.notUpdated, ...result.notDestroyed })) {
      const failure = failureOfSet(error);
      // Gone elsewhere meanwhile: there is nothing left to change. A Snooze that is there is what was wanted.
      if (failure.what === "gone" && !result.notCreated?.[id]) this.remove(change, type, id);
      else if (!(type === "Snooze" && error.type === "alreadyExists")) failures.set(id, failure);
    }
    for (const id of result.destroyed ?? []) this.remove(change, type, id);
    for (const [id, patch] of Object.entries(update)) {
      if (failures.has(id) || !result.updated || !(id in result.updated)) continue;
      const base = type === "Email" ? this.kept.base.get(id) : this.kept.baseObject<Thing>(type, id);
      if (base) this.put(change, type, { ...patched(base as Thing, patch), ...result.updated[id] });
    }
    for (const set of claimed) {
      for (const [local, value] of Object.entries(set.create)) {
        const made = result.created?.[local];
        if (!made) continue;
        this.put(change, type, { ...value, ...made });
        if (made.id !== local) change.names![local] = made.id;
      }
      for (const [id, patch] of Object.entries(set.shown)) {
        const base = this.kept.base.get(id);
        if (base && !failures.size) change.emails!.push(patched(base, patch));
      }
    }
    const tried = this.sort(claimed, failures, change);
    const left = this.kept.operations.value.filter((each) => !claimed.some((one) => one.number === each.number));
    if (Object.keys(change.names!).length) change.operations!.push(...this.kept.rename(left, change.names!));
    await this.kept.write(change);
    return tried;
  }

  /** What stays of each operation: the part that waits, the part that is refused, or nothing. */
  private sort(claimed: SetOperation[], failures: Map<Id, Failure>, change: Change): Tried {
    const tried: Tried = { waits: null, refused: [] };
    for (const set of claimed) {
      const touched = [...Object.keys(set.create), ...Object.keys(set.update), ...set.destroy];
      const failed = touched.filter((id) => failures.has(id));
      const waiting = failed.filter((id) => failures.get(id)!.temporary);
      const refused = failed.filter((id) => !failures.get(id)!.temporary);
      if (waiting.length) {
        tried.waits ??= failures.get(waiting[0]!)!;
        change.operations!.push({ ...only(set, waiting), begun: false, tries: set.tries + 1, state: "waiting" });
      } else if (refused.length) {
        const stays: SetOperation = {
          ...only(set, refused), state: "refused", problem: problemOf(failures.get(refused[0]!)!, "undone"), tries: set.tries + 1,
        };
        change.operations!.push(stays);
        tried.refused.push(stays);
      } else change.operationsGone!.push(set.number);
    }
    return tried;
  }

  private put(change: Change, type: string, value: Thing): void {
    if (type === "Email") change.emails!.push(value as unknown as KeptEmail);
    else change.objects!.push({ type, id: value.id, value });
  }

  private remove(change: Change, type: string, id: Id): void {
    if (type === "Email") change.emailsGone!.push(id);
    else change.objectsGone!.push([type, id]);
  }

  /** What an earlier try made whose answer didn't come. */
  private async twin(type: string, value: Thing): Promise<Thing | null> {
    if (type === "ContactCard") {
      const query = await this.client.one<QueryResult>("ContactCard/query", { filter: { uid: value.uid } });
      return query.ids[0] ? { id: query.ids[0] } : null;
    }
    const same: Record<string, string[]> = {
      Mailbox: ["name", "parentId"], Identity: ["name", "email", "textSignature", "htmlSignature"], Snooze: ["id"],
    };
    const names = same[type];
    if (!names) return null;
    const { list } = await this.client.one<GetResult<Thing>>(`${type}/get`, { ids: null });
    return list.find((each) => names.every((name) => (each[name] ?? null) === (value[name] ?? null))) ?? null;
  }
}

function only(set: SetOperation, ids: Id[]): SetOperation {
  const wanted = new Set(ids);
  const pick = <T>(from: Record<Id, T>) => Object.fromEntries(Object.entries(from).filter(([id]) => wanted.has(id)));
  return { ...set, create: pick(set.create), update: pick(set.update), destroy: set.destroy.filter((id) => wanted.has(id)) };
}

export const isSet = (operation: Operation): operation is SetOperation => operation.kind === "set";
