/**
 * The mail of this device in memory: what the database holds, with the outbox laid over it, the same in every tab.
 *
 * A write goes to the database first, in one transaction, then to this tab's memory, then the other tabs are told
 * what to read again. `changed` counts up when an Email is to be seen differently.
 */

import { signal, type Signal } from "@preact/signals";
import type { Id } from "./contract";
import { makingRoom, STORES, type KeptDraft, type KeptEmail, type KeptObject, type MailDB } from "./database";
import { isPending, overlay, type Fresh, type Operation } from "./operations";
import { renamed } from "./patches";
import type { Channel } from "./world";

export const FIRST_LOADED = 200; // some screens full
const MOST_BURIED = 2_000;

export interface Change {
  emails?: KeptEmail[];
  emailsGone?: Id[];
  objects?: KeptObject[];
  objectsGone?: [string, Id][];
  states?: Record<string, unknown>;
  operations?: Operation[];
  operationsGone?: number[];
  drafts?: KeptDraft[];
  draftsGone?: Id[];
  /** Ids made here and what they are called at the server. */
  names?: Record<Id, Id>;
}

interface Told { kind: "changed"; emails: Id[]; objects: string[]; operations: boolean; drafts: Id[]; names: boolean; synced: boolean }

type Thing = Record<string, unknown> & { id: Id };

export class Kept {
  /** As the server said last. */
  readonly base = new Map<Id, KeptEmail>();
  readonly changed = signal(0);
  readonly operations = signal<Operation[]>([]);
  readonly drafts = signal<ReadonlyMap<Id, KeptDraft>>(new Map());
  /** How much of the emails is in memory: the newest come first. */
  readonly loaded = signal<"none" | "newest" | "all">("none");
  readonly full = signal(false);
  /** Counts up when the server's mail is another: lists ask again. */
  readonly synced = signal(0);
  private readonly byThread = new Map<Id, Set<Id>>();
  private readonly objects = new Map<string, Map<Id, Thing>>();
  private readonly shown = new Map<string, Signal<ReadonlyMap<Id, Thing> | null>>();
  private readonly names = new Map<Id, Id>();
  /** Emails that something waits for, as they are shown. */
  private over = new Map<Id, KeptEmail | null>();
  private sorted: KeptEmail[] | null = null;
  private closed = false;
  private known = new Set<string>();
  /** Emails that the server has said are gone, lately: an answer from before may still be on its way. */
  private readonly buried = new Set<Id>();
  /** Emails of which something just ceased to wait. */
  readonly settled = new Set<Id>();

  constructor(
    readonly db: MailDB,
    private readonly channel: Channel,
  ) {}

  // ------------------------------------------------------------------------------------------- reading

  /** The newest emails and all the rest that is small; then, without waiting, the others. */
  async load(): Promise<void> {
    const [newest, objects, operations, drafts, states, names, local] = await Promise.all([
      this.db.getAllFromIndex("emails", "age", null, FIRST_LOADED),
      this.db.getAll("objects"), this.db.getAll("operations"), this.db.getAll("drafts"),
      this.db.getAllKeys("states"), this.db.getAll("names"), this.db.getAllKeys("names"),
    ]);
    local.forEach((id, index) => this.names.set(id, names[index]!));
    this.known = new Set(states.filter((key) => key.startsWith("state:")).map((key) => key.slice(6)));
    for (const each of objects) this.table(each.type).set(each.id, each.value);
    this.drafts.value = new Map(drafts.map((each) => [each.id, each]));
    for (const each of newest) this.take(each);
    this.loaded.value = newest.length < FIRST_LOADED ? "all" : "newest";
    this.setOperations(operations);
    for (const type of this.shown.keys()) this.show(type);
  }

  /** Whoever begins to lead knows all that the others have written. */
  async readAll(): Promise<void> {
    this.setOperations(await this.db.getAll("operations"));
    this.drafts.value = new Map((await this.db.getAll("drafts")).map((each) => [each.id, each]));
  }

  async loadRest(): Promise<void> {
    if (this.loaded.value === "all") return;
    for (const each of await this.db.getAll("emails")) if (!this.base.has(each.id)) this.take(each);
    this.loaded.value = "all";
    this.changed.value++;
  }

  /** As it is to be shown; null: gone or not here. */
  email(id: Id): KeptEmail | null {
    const real = this.real(id);
    const over = this.over.get(real);
    return over === undefined ? this.base.get(real) ?? null : over;
  }

  isBuried(id: Id): boolean {
    return this.buried.has(id);
  }

  isPending(id: Id): boolean {
    return this.over.has(this.real(id));
  }

  /** Of a conversation what is here, oldest first. */
  thread(id: Id): KeptEmail[] {
    const found: KeptEmail[] = [];
    for (const each of this.byThread.get(id) ?? []) {
      const email = this.email(each);
      if (email) found.push(email);
    }
    return found.sort((a, b) => b.age - a.age || (a.id < b.id ? -1 : 1));
  }

  /** The same as the server said it last. */
  threadBefore(id: Id): KeptEmail[] {
    return [...(this.byThread.get(id) ?? [])].map((each) => this.base.get(each)!);
  }

  /** All that is here, newest first, as it is to be shown. */
  *newestFirst(): Generator<KeptEmail> {
    this.sorted ??= [...this.base.values()].sort((a, b) => a.age - b.age || (a.id < b.id ? 1 : -1));
    for (const each of this.sorted) {
      const over = this.over.get(each.id);
      if (over === undefined) yield each;
      else if (over) yield over;
    }
  }

  /** Emails whose shown state differs from the server's. */
  pending(): IterableIterator<Id> {
    return this.over.keys();
  }

  /** All objects of a type as they are to be shown; null: never had from the server. */
  things<T extends { id: Id }>(type: string): Signal<ReadonlyMap<Id, T> | null> {
    let found = this.shown.get(type);
    if (!found) {
      found = signal(null);
      this.shown.set(type, found);
      this.show(type);
    }
    return found as unknown as Signal<ReadonlyMap<Id, T> | null>;
  }

  baseObject<T>(type: string, id: Id): T | null {
    return (this.objects.get(type)?.get(this.real(id)) as T | undefined) ?? null;
  }

  baseObjects(type: string): Thing[] {
    return [...this.table(type).values()];
  }

  /** Emails of an answer of the server, for lists and conversations; not those it has said are gone meanwhile. */
  async found(emails: KeptEmail[]): Promise<void> {
    const living = emails.filter((each) => !this.buried.has(each.id) && !same(this.base.get(each.id), each));
    if (living.length) await this.write({ emails: living }).catch(() => this.apply({ emails: living }));
  }

  /** What the server calls it. */
  real(id: Id): Id {
    return this.names.get(id) ?? id;
  }

  async state<T = string>(key: string): Promise<T | undefined> {
    return (await this.db.get("states", key)) as T | undefined;
  }

  // ------------------------------------------------------------------------------------------- writing

  async write(change: Change): Promise<void> {
    await makingRoom(this.db, () => this.store(change), () => (this.full.value = true));
    this.apply(change);
    this.tell(change);
  }

  /** New operations get their numbers; a failing write leaves nothing behind. */
  async enqueue(operations: Fresh[], change: Change = {}): Promise<Operation[]> {
    const made = await makingRoom(this.db, async () => {
      const tx = this.db.transaction(STORES, "readwrite");
      const found: Operation[] = [];
      for (const each of operations) {
        const number = await tx.objectStore("operations").add(each as Operation);
        found.push({ ...each, number } as Operation);
      }
      await this.put(tx, change);
      await tx.done;
      return found;
    }, () => (this.full.value = true));
    this.apply(change);
    this.setOperations([...this.operations.value, ...made]);
    this.tell({ ...change, operations: made });
    return made;
  }

  /** Marks them as being sent, if they still wait and all are there: from here on nobody may take them back. */
  async claim(numbers: number[]): Promise<Operation[] | null> {
    const tx = this.db.transaction("operations", "readwrite");
    const found: Operation[] = [];
    for (const number of numbers) {
      const each = await tx.store.get(number);
      if (!each || each.state !== "waiting") {
        tx.abort();
        await tx.done.catch(() => undefined);
        await this.readAgain({ kind: "changed", emails: [], objects: [], operations: true, drafts: [], names: false, synced: false });
        return null;
      }
      // As they were before, so that who sends sees whether one was begun already.
      found.push(each);
      await tx.store.put({ ...each, state: "sending", begun: true, tries: each.tries + 1 });
    }
    await tx.done;
    const sending = new Map(found.map((each) => [each.number, { ...each, state: "sending" as const, begun: true, tries: each.tries + 1 }]));
    this.setOperations(this.operations.value.map((each) => (sending.get(each.number) as Operation | undefined) ?? each));
    this.tell({ operations: [...sending.values()] as Operation[] });
    return found;
  }

  /** Takes it back if it certainly was never sent. */
  async withdraw(number: number): Promise<boolean> {
    const tx = this.db.transaction("operations", "readwrite");
    const each = await tx.store.get(number);
    const may = !!each && each.state === "waiting" && !each.begun;
    if (may) await tx.store.delete(number);
    await tx.done;
    if (may) {
      this.apply({ operationsGone: [number] });
      this.tell({ operationsGone: [number] });
    }
    return may;
  }

  /** The server has given names to what was made here: everything that waits speaks of it by them. */
  rename(operations: Operation[], names: Record<Id, Id>): Operation[] {
    let found = operations;
    for (const [local, real] of Object.entries(names)) found = renamed(found, local, real);
    return found;
  }

  /** What another tab has written. */
  async readAgain(message: unknown): Promise<void> {
    const told = message as Told;
    try {
      if (told?.kind === "changed") await this.readTold(told);
    } catch (error) {
      if (!this.closed) throw error;
    }
  }

  close(): void {
    this.closed = true;
    this.db.close();
  }

  private async readTold(told: Told): Promise<void> {
    if (told.names) {
      const [names, local] = await Promise.all([this.db.getAll("names"), this.db.getAllKeys("names")]);
      local.forEach((id, index) => this.names.set(id, names[index]!));
    }
    const change: Change = { emails: [], emailsGone: [] };
    for (const id of told.emails) {
      const email = await this.db.get("emails", id);
      if (email) change.emails!.push(email);
      else change.emailsGone!.push(id);
    }
    if (told.drafts.length) {
      const drafts = await Promise.all(told.drafts.map((id) => this.db.get("drafts", id)));
      change.drafts = drafts.filter((each): each is KeptDraft => !!each);
      change.draftsGone = told.drafts.filter((_, index) => !drafts[index]);
    }
    if (told.operations) this.setOperations(await this.db.getAll("operations"));
    for (const type of told.objects) {
      const table = this.table(type);
      table.clear();
      for (const each of await this.db.getAllFromIndex("objects", "type", type)) table.set(each.id, each.value);
      this.known.add(type);
    }
    this.apply(change);
    for (const type of told.objects) this.show(type);
    if (told.synced) this.synced.value++;
  }

  // ------------------------------------------------------------------------------------------- inside

  private async store(change: Change): Promise<void> {
    const tx = this.db.transaction(STORES, "readwrite");
    await this.put(tx, change);
    await tx.done;
  }

  private async put(tx: ReturnType<typeof transactionOf>, change: Change): Promise<void> {
    const work: Promise<unknown>[] = [];
    for (const each of change.emails ?? []) work.push(tx.objectStore("emails").put(each));
    for (const id of change.emailsGone ?? []) {
      for (const store of ["emails", "bodies", "texts"] as const) work.push(tx.objectStore(store).delete(id));
    }
    for (const each of change.objects ?? []) work.push(tx.objectStore("objects").put(each));
    for (const key of change.objectsGone ?? []) work.push(tx.objectStore("objects").delete(key));
    for (const [key, value] of Object.entries(change.states ?? {})) work.push(tx.objectStore("states").put(value, key));
    for (const each of change.operations ?? []) work.push(tx.objectStore("operations").put(each));
    for (const number of change.operationsGone ?? []) work.push(tx.objectStore("operations").delete(number));
    for (const each of change.drafts ?? []) work.push(tx.objectStore("drafts").put(each));
    for (const id of change.draftsGone ?? []) work.push(tx.objectStore("drafts").delete(id));
    for (const [local, real] of Object.entries(change.names ?? {})) work.push(tx.objectStore("names").put(real, local));
    try {
      await Promise.all(work);
    } catch (error) {
      await Promise.allSettled(work);
      await tx.done.catch(() => undefined);
      throw error;
    }
  }

  private apply(change: Change): void {
    for (const [local, real] of Object.entries(change.names ?? {})) this.names.set(local, real);
    for (const each of change.emails ?? []) this.take(each);
    for (const id of change.emailsGone ?? []) this.drop(id);
    if (change.states && "state:Email" in change.states) this.synced.value++;
    const types = new Set<string>();
    for (const each of change.objects ?? []) {
      this.table(each.type).set(each.id, each.value);
      types.add(each.type);
    }
    for (const [type, id] of change.objectsGone ?? []) {
      this.table(type).delete(id);
      types.add(type);
    }
    for (const key of Object.keys(change.states ?? {})) {
      if (!key.startsWith("state:")) continue;
      this.known.add(key.slice(6));
      types.add(key.slice(6));
    }
    if (change.drafts?.length || change.draftsGone?.length) {
      const drafts = new Map(this.drafts.value);
      for (const each of change.drafts ?? []) drafts.set(each.id, each);
      for (const id of change.draftsGone ?? []) drafts.delete(id);
      this.drafts.value = drafts;
    }
    if (change.operations || change.operationsGone) {
      const gone = new Set(change.operationsGone);
      const put = new Map((change.operations ?? []).map((each) => [each.number, each]));
      this.setOperations(this.operations.value.filter((each) => !gone.has(each.number)).map((each) => put.get(each.number) ?? each));
    } else if (change.emails?.length || change.emailsGone?.length) this.lay();
    for (const type of types) this.show(type);
  }

  private setOperations(operations: Operation[]): void {
    const before = this.operations.value;
    this.operations.value = [...operations].sort((a, b) => a.number - b.number);
    this.lay();
    const types = new Set<string>();
    for (const each of [...before, ...operations]) if (each.kind === "set") types.add(each.type);
    for (const type of types) if (type !== "Email") this.show(type);
  }

  private lay(): void {
    const over = new Map<Id, KeptEmail | null>();
    for (const [id, change] of overlay<KeptEmail>("Email", this.operations.value)) {
      const base = this.base.get(id);
      if (base) over.set(id, change(base));
    }
    for (const id of this.over.keys()) if (!over.has(id)) this.settled.add(id);
    this.over = over;
    this.changed.value++;
  }

  private show(type: string): void {
    const shown = this.shown.get(type);
    if (!shown) return;
    const changes = overlay<Thing>(type, this.operations.value);
    if (!this.known.has(type) && !this.table(type).size && !changes.size) {
      shown.value = null;
      return;
    }
    const found = new Map(this.table(type));
    for (const [id, change] of changes) {
      // There are settings always, though nobody may have set any.
      const value = change(found.get(id) ?? (type === "Settings" ? { id } : null));
      if (value) found.set(id, value);
      else found.delete(id);
    }
    shown.value = found;
  }

  pendingObject(type: string, id: Id): boolean {
    return this.operations.value.some(
      (each) => each.kind === "set" && each.type === type && isPending(each) && (id in each.update || id in each.create),
    );
  }

  private take(email: KeptEmail): void {
    this.sorted = null;
    this.base.set(email.id, email);
    let thread = this.byThread.get(email.threadId);
    if (!thread) this.byThread.set(email.threadId, (thread = new Set()));
    thread.add(email.id);
  }

  private drop(id: Id): void {
    this.buried.add(id);
    if (this.buried.size > MOST_BURIED) for (const each of this.buried) if (this.buried.delete(each)) break;
    const email = this.base.get(id);
    if (!email) return;
    this.base.delete(id);
    this.sorted = null;
    const thread = this.byThread.get(email.threadId);
    thread?.delete(id);
    if (!thread?.size) this.byThread.delete(email.threadId);
  }

  private table(type: string): Map<Id, Thing> {
    let found = this.objects.get(type);
    if (!found) this.objects.set(type, (found = new Map()));
    return found;
  }

  private tell(change: Change): void {
    const told: Told = {
      kind: "changed",
      emails: [...(change.emails ?? []).map((each) => each.id), ...(change.emailsGone ?? [])],
      objects: [...new Set([
        ...(change.objects ?? []).map((each) => each.type), ...(change.objectsGone ?? []).map((each) => each[0]),
        ...Object.keys(change.states ?? {}).filter((key) => key.startsWith("state:") && key !== "state:Email").map((key) => key.slice(6)),
      ])],
      operations: !!(change.operations || change.operationsGone),
      drafts: [...(change.drafts ?? []).map((each) => each.id), ...(change.draftsGone ?? [])],
      names: !!change.names && Object.keys(change.names).length > 0,
      synced: !!change.states && "state:Email" in change.states,
    };
    if (told.synced || told.emails.length || told.objects.length || told.operations || told.drafts.length || told.names) this.channel.post(told);
  }
}

const same = (a: KeptEmail | undefined, b: KeptEmail): boolean => !!a && JSON.stringify(a) === JSON.stringify(b);

function transactionOf(db: MailDB) {
  return db.transaction(STORES, "readwrite");
}
