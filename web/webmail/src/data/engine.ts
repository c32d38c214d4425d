/** All that works for one account while this page is open; which parts there are and who speaks to whom. */

import { computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Access } from "./access";
import { Actions } from "./actions";
import { Blobs } from "./blobs";
import { ConnectionState } from "./connection";
import { Contacts } from "./contacts";
import type { Account, Arrival, Id, Problem, SignIn, SyncState } from "./contract";
import { forget, openMail, type Device, type KeptEmail } from "./database";
import { DeviceStorage } from "./device";
import { Drafts } from "./drafts";
import { Failure, problem } from "./failures";
import { Client } from "./jmap/client";
import { WEBMAIL, type JmapQuota } from "./jmap/types";
import { Kept } from "./kept";
import { Lists } from "./lists";
import { Mailboxes } from "./mailboxes";
import { Mail } from "./outbox/mail";
import { Outbox } from "./outbox/outbox";
import { Sender } from "./outbox/sender";
import { Sets } from "./outbox/sets";
import { identities, PersonalSettings } from "./personal";
import { Subscription } from "./push/subscription";
import { Rows } from "./rows";
import { Searching } from "./search/searching";
import { Bodies } from "./sync/bodies";
import { follow } from "./sync/events";
import { Sync } from "./sync/sync";
import { Threads } from "./threads";
import type { Channel, World } from "./world";

const POLL_MS = 60_000; // where there is no push
const FIRST_DRAWN_MS = 200; // what isn't on the first screens is read after they were drawn
const LATE_MS = 3_600_000; // mail that old isn't announced when it comes

type Heard = { kind: "weather"; failure: { what: Problem["what"]; detail: string } | null } | { kind: "arrived"; ids: Id[] } | { kind: "left" } | { kind: "sync"; state: SyncState } | { kind: "changed"; operations: boolean };

export class Engine {
  readonly client: Client;
  readonly connection: ConnectionState;
  readonly mailboxes: Mailboxes;
  readonly lists: Lists;
  readonly threads: Threads;
  readonly actions: Actions;
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly contacts: Contacts;
  readonly settings: PersonalSettings;
  readonly searching: Searching;
  readonly storage: DeviceStorage;
  readonly push: Subscription;
  readonly arrival = signal<Arrival | null>(null);
  readonly problems: ReadonlySignal<{ id: Id; problem: Problem; entry: Id | null }[]>;
  readonly identities: ReturnType<typeof identities>;
  readonly quota: ReadonlySignal<{ used: number; limit: number } | null>;
  private readonly bodies: Bodies;
  private readonly blobs: Blobs;
  private readonly rows: Rows;
  private readonly sync: Sync;
  private readonly sender: Sender;
  private readonly dismissed = signal<ReadonlySet<Id>>(new Set());
  private readonly ending = new AbortController();
  private leads = false;

  static async open(world: World, access: Access, device: Device): Promise<Engine> {
    const account = access.account();
    const channel = world.channel(`holdfast-${account}`);
    const kept = new Kept(await openMail(account), channel);
    await kept.load();
    return new Engine(world, access, kept, channel, device);
  }

  private constructor(
    private readonly world: World,
    private readonly access: Access,
    readonly kept: Kept,
    private readonly channel: Channel,
    device: Device,
  ) {
    const me = () => this.account().address;
    const settings = () => this.settings.now.value;
    this.connection = new ConnectionState(world, () => this.probe(), () => access.statusUrl(), () => void access.reload().catch(() => undefined));
    this.client = new Client(world, access, this.connection);
    this.bodies = new Bodies(world, this.client, kept);
    this.blobs = new Blobs(world, this.client, kept);
    const mail = new Mail(world, this.client, kept, () => this.account().limits.delayedSend / 1000, (draft, one, part) => this.drafts.onProgress(draft, one, part));
    this.outbox = new Outbox(world, kept, mail, () => this.wakeSender());
    this.mailboxes = new Mailboxes(kept, this.outbox, this.client);
    this.rows = new Rows(kept, this.mailboxes);
    this.searching = new Searching(world, kept, this.rows, () => this.mailboxes.all.value ?? [], me, () => this.client.offers(WEBMAIL), this.bodies);
    const parts = { world, client: this.client, kept, mailboxes: this.mailboxes, rows: this.rows, connection: this.connection };
    this.lists = new Lists({ ...parts, searching: this.searching, me });
    this.threads = new Threads({ ...parts, bodies: this.bodies, blobs: this.blobs });
    this.actions = new Actions(kept, this.mailboxes, this.outbox);
    this.settings = new PersonalSettings(kept, this.outbox, () => this.account().can.settings);
    this.drafts = new Drafts({ ...parts, outbox: this.outbox, threads: this.threads, settings, account: () => this.account() });
    this.contacts = new Contacts(kept, this.outbox, me);
    this.identities = identities(kept, this.outbox);
    this.push = new Subscription(world, this.client, access, device);
    this.storage = new DeviceStorage(world, kept);
    this.sender = new Sender(world, this.client, kept, new Sets(this.client, kept), mail, this.connection, () => undefined);
    const offers = (capability: string) => capability in (access.session().accounts[access.account()]?.accountCapabilities ?? {});
    this.sync = new Sync(world, this.client, kept, this.bodies, this.blobs, this.connection, offers, () => settings().offlineDays, (emails) => this.arrived(emails));
    this.problems = computed(() => this.unseen());
    const quotas = kept.things<JmapQuota>("Quota");
    this.quota = computed(() => {
      const found = [...(quotas.value?.values() ?? [])].find((each) => each.resourceType === "octets" && each.scope === "account");
      return found ? { used: found.used, limit: found.hardLimit } : null;
    });
    this.begin();
  }

  seen(id: Id): void {
    this.dismissed.value = new Set(this.dismissed.value).add(id);
    const operation = this.kept.operations.value.find((each) => each.id === id);
    if (operation?.kind === "set" && operation.state === "refused") void this.kept.write({ operationsGone: [operation.number] });
  }

  /** Everything of the account goes from this device. */
  async forget(): Promise<void> {
    await this.push.leave().catch(() => undefined);
    this.channel.post({ kind: "left" });
    const account = this.access.account();
    this.end();
    await forget(account);
  }

  end(): void {
    this.ending.abort();
    this.sync.end();
    this.sender.end();
    this.push.end();
    this.connection.end();
    this.channel.close();
    this.kept.close();
  }

  account(): Account {
    const now: SignIn = this.access.signIn.value;
    if (now.state !== "in") throw new Failure("sign-in");
    return now.account;
  }

  // ----------------------------------------------------------------------------------------------

  private begin(): void {
    this.channel.listen((message) => void this.hear(message as Heard));
    this.connection.whenItTurns((failure) => {
      if (this.leads) this.channel.post({ kind: "weather", failure: failure && { what: failure.what, detail: failure.detail } });
    });
    this.world.later(FIRST_DRAWN_MS, () => void this.kept.loadRest().catch(() => undefined));
    void this.world.locked(`holdfast-leader-${this.access.account()}`, () => this.lead());
  }

  /** In one tab at a time, until it is closed: what has to be done once for all of them. */
  private async lead(): Promise<void> {
    if (this.ending.signal.aborted) return;
    this.leads = true;
    const back = this.connection.whenBack(() => {
      void this.sender.back();
      void this.sync.nudge();
    });
    await this.kept.readAll();
    await this.pause(FIRST_DRAWN_MS);
    // What changes is compared with what is here: all of it.
    await this.kept.loadRest();
    void this.storage.persist();
    await this.drafts.begin().catch(() => undefined);
    void this.sender.nudge();
    void this.sync.nudge();
    const told = effect(() => {
      const state = this.connection.sync.value;
      this.channel.post({ kind: "sync", state });
      if (state.phase === "idle") untracked(() => void this.storage.measure());
    });
    const pushes = this.push.follow((hear) => this.connection.whenBack(hear));
    await this.listen();
    pushes();
    told();
    back();
  }

  /** Push while there is, asking now and then while there isn't. */
  private async listen(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      const began = this.world.now();
      try {
        if (this.connection.well) await follow(this.world, this.access, () => void this.sync.nudge(), signal);
      } catch (error) {
        if (error instanceof Failure && error.temporary && this.world.now() - began < POLL_MS) void this.look();
      }
      if (signal.aborted) return;
      // A stream that ends after a while is opened again soon; one that can't be had isn't asked for all the time.
      const wait = this.world.now() - began > POLL_MS / 2 ? 1_000 : POLL_MS;
      await this.pause(wait * (0.75 + this.world.random() / 2));
      if (!signal.aborted && this.connection.well) void this.sync.nudge();
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((go) => {
      const over = () => {
        cancel();
        back();
        this.ending.signal.removeEventListener("abort", over);
        go();
      };
      const cancel = this.world.later(ms, over);
      const back = this.connection.whenBack(over);
      this.ending.signal.addEventListener("abort", over);
    });
  }

  /** A request that notices whether the service is there. */
  private async look(): Promise<void> {
    await this.probe().catch(() => undefined);
  }

  private async probe(): Promise<void> {
    (await this.client.call([["Email/get", { ids: [], properties: ["id"] }, "0"]], true)).of("0");
  }

  private async hear(message: Heard): Promise<void> {
    if (message.kind === "changed") {
      await this.kept.readAgain(message);
      if (message.operations && this.leads) void this.sender.nudge();
    } else if (message.kind === "weather") {
      if (message.failure) this.connection.failed(new Failure(message.failure.what, message.failure.detail));
      else this.connection.reached();
    } else if (message.kind === "arrived") this.announce(message.ids);
    else if (message.kind === "sync") this.connection.sync.value = message.state;
    else if (message.kind === "left") {
      this.end();
      await this.access.left();
    }
  }

  private wakeSender(): void {
    if (!this.leads) return;
    void this.sender.nudge().then(() => {
      if (this.outbox.waiting.value === 0) void this.sync.nudge();
    });
  }

  private arrived(emails: KeptEmail[]): void {
    const inbox = this.mailboxes.byRole("inbox")?.id;
    const since = -(this.world.now() - LATE_MS);
    const fresh = emails.filter((each) => inbox && inbox in each.mailboxIds && !each.keywords.$seen && each.age < since);
    if (!fresh.length) return;
    const ids = fresh.sort((a, b) => a.age - b.age).map((each) => each.id);
    this.channel.post({ kind: "arrived", ids });
    this.announce(ids);
  }

  private announce(ids: Id[]): void {
    const inbox = this.mailboxes.byRole("inbox")?.id ?? null;
    const first = ids[0] && this.rows.make(ids[0], { mailbox: inbox, conversations: false, me: this.account().address });
    if (first) this.arrival.value = { count: ids.length, first };
  }

  private unseen() {
    const found: { id: Id; problem: Problem; entry: Id | null }[] = [];
    for (const each of this.kept.operations.value) {
      if (each.state === "refused" && each.problem) found.push({ id: each.id, problem: each.problem, entry: each.id });
    }
    if (this.kept.full.value) found.push({ id: "device-full", problem: problem("device-full", "unchanged"), entry: null });
    return found.filter((each) => !this.dismissed.value.has(each.id));
  }
}
