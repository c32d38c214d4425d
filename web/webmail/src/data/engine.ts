/** All that works for one account while this page is open: what the first view needs, and `behind` it the rest. */

import { computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Access } from "./access";
import type { Behind } from "./behind";
import { ConnectionState } from "./connection";
import type { Account, Arrival, Id, Problem, SignIn, SyncState } from "./contract";
import { forget, openMail, type Device } from "./database";
import { Failure, problem } from "./failures";
import { Client } from "./jmap/client";
import type { JmapQuota } from "./jmap/types";
import { Kept } from "./kept";
import { Lists } from "./lists";
import { Mailboxes } from "./mailboxes";
import { Outbox } from "./outbox/outbox";
import { identities, PersonalSettings } from "./personal";
import { Rows } from "./rows";
import type { Channel, World } from "./world";

const AGAIN_MS = 5_000;
const behind = () => import("./behind");

export type Heard =
  | { kind: "weather"; failure: { what: Problem["what"]; detail: string } | null }
  | { kind: "arrived"; ids: Id[] }
  | { kind: "left" }
  | { kind: "sync"; state: SyncState }
  | { kind: "changed"; operations: boolean };

export class Engine {
  readonly client: Client;
  readonly connection: ConnectionState;
  readonly mailboxes: Mailboxes;
  readonly lists: Lists;
  readonly rows: Rows;
  readonly outbox: Outbox;
  readonly settings: PersonalSettings;
  /** Null until it was fetched. */
  readonly behind = signal<Behind | null>(null);
  readonly arrival = signal<Arrival | null>(null);
  readonly problems: ReadonlySignal<{ id: Id; problem: Problem; entry: Id | null }[]>;
  readonly identities: ReturnType<typeof identities>;
  readonly quota: ReadonlySignal<{ used: number; limit: number } | null>;
  private readonly dismissed = signal<ReadonlySet<Id>>(new Set());
  private readonly ending = new AbortController();

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
    private readonly device: Device,
  ) {
    this.connection = new ConnectionState(world, () => this.probe(), () => access.statusUrl(), () => void access.reload().catch(() => undefined));
    this.client = new Client(world, access, this.connection);
    this.outbox = new Outbox(world, kept, async (held) => (await this.whenBehind()).mail.cancel(held), () => this.behind.peek()?.wake());
    this.mailboxes = new Mailboxes(kept, this.outbox, this.client);
    this.rows = new Rows(kept, this.mailboxes);
    const seek = (text: string) => computed(() => {
      const had = this.behind.value;
      return had && untracked(() => had.searching.seek(text));
    });
    this.lists = new Lists({
      world, client: this.client, kept, mailboxes: this.mailboxes, rows: this.rows, connection: this.connection, seek, me: () => this.account().address,
    });
    this.settings = new PersonalSettings(kept, this.outbox, () => this.account().can.settings);
    this.identities = identities(kept, this.outbox);
    this.problems = computed(() => this.unseen());
    const quotas = kept.things<JmapQuota>("Quota");
    this.quota = computed(() => {
      const found = [...(quotas.value?.values() ?? [])].find((each) => each.resourceType === "octets" && each.scope === "account");
      return found ? { used: found.used, limit: found.hardLimit } : null;
    });
    this.begin();
  }

  whenBehind(): Promise<Behind> {
    return new Promise((go) => {
      const stop = effect(() => {
        const had = this.behind.value;
        if (had) queueMicrotask(() => { stop(); go(had); });
      });
    });
  }

  seen(id: Id): void {
    this.dismissed.value = new Set(this.dismissed.value).add(id);
    const operation = this.kept.operations.value.find((each) => each.id === id);
    if (operation?.kind === "set" && operation.state === "refused") void this.kept.write({ operationsGone: [operation.number] });
  }

  /** Everything of the account goes from this device. */
  async forget(): Promise<void> {
    await this.behind.peek()?.push.leave().catch(() => undefined);
    this.channel.post({ kind: "left" });
    const account = this.access.account();
    this.end();
    await forget(account);
  }

  end(): void {
    this.ending.abort();
    this.behind.peek()?.end();
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
      if (this.behind.peek()?.leads) this.channel.post({ kind: "weather", failure: failure && { what: failure.what, detail: failure.detail } });
    });
    void this.fetchBehind();
  }

  /** A part that can't be had now is had later; what is drawn stays. */
  private async fetchBehind(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const had = await behind().catch(() => null);
      if (this.ending.signal.aborted) return;
      if (had) {
        this.behind.value = new had.Behind({
          world: this.world, access: this.access, device: this.device, kept: this.kept, client: this.client, connection: this.connection,
          mailboxes: this.mailboxes, rows: this.rows, outbox: this.outbox, settings: this.settings, account: () => this.account(),
          probe: () => this.probe(), post: (message) => this.channel.post(message), announce: (ids) => this.announce(ids), ending: this.ending.signal,
        });
        return;
      }
      await new Promise<void>((go) => this.world.later(AGAIN_MS, go));
    }
  }

  private async probe(): Promise<void> {
    (await this.client.call([["Email/get", { ids: [], properties: ["id"] }, "0"]], true)).of("0");
  }

  private async hear(message: Heard): Promise<void> {
    if (message.kind === "changed") {
      await this.kept.readAgain(message);
      if (message.operations) this.behind.peek()?.nudge();
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
