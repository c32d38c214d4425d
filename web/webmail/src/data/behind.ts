/**
 * What the first view does without, fetched while that is being drawn: reading and acting, writing, searching, and
 * what one tab does for all: the sync, the outbox, the server's push.
 */

import { effect, untracked } from "@preact/signals";
import type { Access } from "./access";
import { Actions } from "./actions";
import { Blobs } from "./blobs";
import type { ConnectionState } from "./connection";
import { Contacts } from "./contacts";
import type { Account, Id } from "./contract";
import type { Device, KeptEmail } from "./database";
import { DeviceStorage } from "./device";
import { Drafts } from "./drafts";
import type { Heard } from "./engine";
import { Failure } from "./failures";
import type { Client } from "./jmap/client";
import { WEBMAIL } from "./jmap/types";
import type { Kept } from "./kept";
import type { Mailboxes } from "./mailboxes";
import { Mail } from "./outbox/mail";
import type { Outbox } from "./outbox/outbox";
import { Sender } from "./outbox/sender";
import { Sets } from "./outbox/sets";
import type { PersonalSettings } from "./personal";
import { Subscription } from "./push/subscription";
import type { Rows } from "./rows";
import { Searching } from "./search/searching";
import { Bodies } from "./sync/bodies";
import { follow } from "./sync/events";
import { Sync } from "./sync/sync";
import { Threads } from "./threads";
import type { World } from "./world";

const POLL_MS = 60_000; // where there is no push
const FIRST_DRAWN_MS = 200; // what isn't on the first screens is read after they were drawn
const LATE_MS = 3_600_000; // mail that old isn't announced when it comes

export interface BehindParts {
  world: World;
  access: Access;
  device: Device;
  kept: Kept;
  client: Client;
  connection: ConnectionState;
  mailboxes: Mailboxes;
  rows: Rows;
  outbox: Outbox;
  settings: PersonalSettings;
  account: () => Account;
  probe: () => Promise<void>;
  /** To the other tabs. */
  post: (message: Heard) => void;
  announce: (ids: Id[]) => void;
  ending: AbortSignal;
}

export class Behind {
  readonly threads: Threads;
  readonly actions: Actions;
  readonly drafts: Drafts;
  readonly contacts: Contacts;
  readonly searching: Searching;
  readonly storage: DeviceStorage;
  readonly push: Subscription;
  readonly mail: Mail;
  private readonly sync: Sync;
  private readonly sender: Sender;
  leads = false;

  constructor(private readonly parts: BehindParts) {
    const { world, access, kept, client, connection, mailboxes, rows, outbox, settings, account } = parts;
    const me = () => account().address;
    const bodies = new Bodies(world, client, kept);
    const blobs = new Blobs(world, client, kept);
    this.mail = new Mail(world, client, kept, () => account().limits.delayedSend / 1000, (draft, one, part) => this.drafts.onProgress(draft, one, part));
    this.searching = new Searching(world, kept, rows, () => mailboxes.all.value ?? [], me, () => client.offers(WEBMAIL), bodies);
    this.threads = new Threads({ world, client, kept, bodies, blobs, mailboxes, rows, connection });
    this.actions = new Actions(kept, mailboxes, outbox);
    this.drafts = new Drafts({ world, client, kept, outbox, threads: this.threads, settings: () => settings.now.value, account });
    this.contacts = new Contacts(kept, outbox, me);
    this.push = new Subscription(world, client, access, parts.device);
    this.storage = new DeviceStorage(world, kept);
    this.sender = new Sender(world, client, kept, new Sets(client, kept), this.mail, connection, () => undefined);
    const offers = (capability: string) => capability in (access.session().accounts[access.account()]?.accountCapabilities ?? {});
    this.sync = new Sync(world, client, kept, bodies, blobs, connection, offers, () => settings.now.value.offlineDays, (emails) => this.arrived(emails));
    world.later(FIRST_DRAWN_MS, () => void kept.loadRest().catch(() => undefined));
    void world.locked(`holdfast-leader-${access.account()}`, () => this.lead());
  }

  end(): void {
    this.sync.end();
    this.sender.end();
    this.push.end();
  }

  /** Another tab has put something into the outbox. */
  nudge(): void {
    if (this.leads) void this.sender.nudge();
  }

  /** Something waits to be sent. */
  wake(): void {
    if (!this.leads) return;
    void this.sender.nudge().then(() => {
      if (this.parts.outbox.waiting.value === 0) void this.sync.nudge();
    });
  }

  private arrived(emails: KeptEmail[]): void {
    const inbox = this.parts.mailboxes.byRole("inbox")?.id;
    const since = -(this.parts.world.now() - LATE_MS);
    const fresh = emails.filter((each) => inbox && inbox in each.mailboxIds && !each.keywords.$seen && each.age < since);
    if (!fresh.length) return;
    const ids = fresh.sort((a, b) => a.age - b.age).map((each) => each.id);
    this.parts.post({ kind: "arrived", ids });
    this.parts.announce(ids);
  }

  // ----------------------------------------------------------------------------------------------

  /** In one tab at a time, until it is closed: what has to be done once for all of them. */
  private async lead(): Promise<void> {
    if (this.parts.ending.aborted) return;
    this.leads = true;
    const back = this.parts.connection.whenBack(() => {
      void this.sender.back();
      void this.sync.nudge();
    });
    await this.parts.kept.readAll();
    await this.pause(FIRST_DRAWN_MS);
    // What changes is compared with what is here: all of it.
    await this.parts.kept.loadRest();
    void this.storage.persist();
    await this.drafts.begin().catch(() => undefined);
    void this.sender.nudge();
    void this.sync.nudge();
    const told = effect(() => {
      const state = this.parts.connection.sync.value;
      this.parts.post({ kind: "sync", state });
      if (state.phase === "idle") untracked(() => void this.storage.measure());
    });
    const pushes = this.push.follow((hear) => this.parts.connection.whenBack(hear));
    await this.listen();
    pushes();
    told();
    back();
  }

  /** Push while there is, asking now and then while there isn't. */
  private async listen(): Promise<void> {
    const signal = this.parts.ending;
    while (!signal.aborted) {
      const began = this.parts.world.now();
      try {
        if (this.parts.connection.well) await follow(this.parts.world, this.parts.access, () => void this.sync.nudge(), signal);
      } catch (error) {
        if (error instanceof Failure && error.temporary && this.parts.world.now() - began < POLL_MS) void this.look();
      }
      if (signal.aborted) return;
      // A stream that ends after a while is opened again soon; one that can't be had isn't asked for all the time.
      const wait = this.parts.world.now() - began > POLL_MS / 2 ? 1_000 : POLL_MS;
      await this.pause(wait * (0.75 + this.parts.world.random() / 2));
      if (!signal.aborted && this.parts.connection.well) void this.sync.nudge();
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((go) => {
      const over = () => {
        cancel();
        back();
        this.parts.ending.removeEventListener("abort", over);
        go();
      };
      const cancel = this.parts.world.later(ms, over);
      const back = this.parts.connection.whenBack(over);
      this.parts.ending.addEventListener("abort", over);
    });
  }

  /** A request that notices whether the service is there. */
  private async look(): Promise<void> {
    await this.parts.probe().catch(() => undefined);
  }
}
