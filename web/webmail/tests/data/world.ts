/** A world for tests: time that goes on when nothing else does, tabs that hear each other, locks. */

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import type { Page } from "../../src/data/access";
import "../../src/data/behind"; // fetched already: time in these tests doesn't wait for files
import { Device } from "../../src/data/database";
import type { Webmail } from "../../src/data/contract";
import { Failure } from "../../src/data/failures";
import type { Place, PushDoor } from "../../src/data/push/door";
import { webmail, type Shell } from "../../src/data/webmail";
import type { Channel, World } from "../../src/data/world";
import { Server } from "./server";

/** A push service in the browser's stead: `place` is where it is reached; `out`: it isn't. */
class FakeDoor implements PushDoor {
  place: Place | null = null;
  key = "";
  out = false;
  private made = 0;

  subscribe(key: string): Promise<Place> {
    if (this.out) return Promise.reject(new Failure("unavailable", "no push service"));
    if (!this.place || this.key !== key) this.place = { endpoint: `https://push.test/${++this.made}`, p256dh: "p", auth: "a" };
    this.key = key;
    return Promise.resolve(this.place);
  }

  unsubscribe(): Promise<void> {
    this.place = null;
    return Promise.resolve();
  }
}

export class Machine {
  readonly server = new Server();
  readonly push = new FakeDoor();
  time = Date.now();
  online = true;
  private readonly timers = new Map<number, { at: number; call: () => void }>();
  private numbers = 0;
  private readonly channels = new Set<{ name: string; hear: ((message: unknown) => void)[] }>();
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly networkHears: (() => void)[] = [];
  readonly tabs: Tab[] = [];

  constructor() {
    globalThis.indexedDB = new IDBFactory();
    this.server.now = () => this.time;
  }

  async signIn(): Promise<void> {
    const device = await Device.open();
    const base = "https://jmap.test";
    await device.put("config", { jmap: base, status: "", accounts: "", signup: "", product: "Test" });
    await device.put("session", this.server.session());
    await device.put("tokens", { ...this.server.tokens, until: this.time + 900_000, tokenEndpoint: `${base}/token`, revocationEndpoint: `${base}/revoke` });
    device.close();
  }

  /** A browser tab; `close` is like closing it. */
  async open(shell?: Shell): Promise<Tab> {
    const tab = new Tab(this, shell);
    this.tabs.push(tab);
    await this.until(() => tab.mail.session.signIn.value.state !== "unknown");
    return tab;
  }

  setOnline(online: boolean): void {
    this.online = online;
    for (const hear of this.networkHears) hear();
  }

  /** Goes on with what is under way until it is so; when all is quiet, time passes. */
  async until(done: () => boolean, what = ""): Promise<void> {
    for (let turn = 0; turn < 4_000; turn++) {
      if (done()) return;
      await new Promise((go) => setImmediate(go));
      if (turn % 25 === 24) this.pass();
    }
    throw new Error(`it never was so: ${what || done}`);
  }

  /** Lets everything under way come to rest, time standing still. */
  async rest(turns = 60): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((go) => setImmediate(go));
  }

  /** To the next timer. */
  pass(): void {
    let next: number | null = null;
    for (const [number, { at }] of this.timers) if (next === null || at < this.timers.get(next)!.at) next = number;
    if (next === null) return;
    const { at, call } = this.timers.get(next)!;
    this.timers.delete(next);
    this.time = Math.max(this.time, at);
    call();
  }

  /** At once, with every timer that is due by then. */
  elapse(ms: number): void {
    const end = this.time + ms;
    while ([...this.timers.values()].some((each) => each.at <= end)) this.pass();
    this.time = end;
  }

  world(tab: Pick<Tab, "closed" | "gone">): World {
    const reach = async (url: string, init?: RequestInit) => {
      if (tab.closed) return new Promise<Response>(() => undefined);
      if (!this.online) throw new TypeError("offline");
      await Promise.resolve();
      return this.server.fetch(url, init);
    };
    return {
      fetch: reach,
      upload: async (url, headers, body, progress) => {
        progress(0.5);
        return reach(url, { method: "POST", headers, body });
      },
      now: () => this.time,
      random: () => 0.5,
      later: (ms, call) => {
        const number = ++this.numbers;
        this.timers.set(number, { at: this.time + ms, call: () => !tab.closed && call() });
        return () => this.timers.delete(number);
      },
      locked: <T>(name: string, work: () => Promise<T>): Promise<T> => {
        const before = this.queues.get(name) ?? Promise.resolve();
        const mine = before.then(() => (tab.closed ? (undefined as T) : Promise.race([work(), tab.gone as Promise<T>])));
        this.queues.set(name, mine.catch(() => undefined));
        return mine;
      },
      channel: (name) => this.channel(name, tab),
      online: () => this.online,
      whenNetworkChanges: (hear) => this.networkHears.push(() => !tab.closed && hear()),
      visible: () => true,
      push: this.push,
    };
  }

  /** As the service worker sees it. */
  worker(): World {
    return this.world({ closed: false, gone: new Promise<void>(() => undefined) });
  }

  private channel(name: string, tab: Pick<Tab, "closed">): Channel {
    const mine = { name, hear: [] as ((message: unknown) => void)[] };
    this.channels.add(mine);
    return {
      post: (message) => {
        if (tab.closed) return;
        const copy = structuredClone(message);
        for (const each of this.channels) {
          if (each !== mine && each.name === name) setImmediate(() => each.hear.forEach((hear) => hear(copy)));
        }
      },
      listen: (hear) => mine.hear.push((message) => !tab.closed && hear(message)),
      close: () => this.channels.delete(mine),
    };
  }
}

export class Tab {
  closed = false;
  readonly mail: Webmail & { end(): void };
  readonly gone: Promise<void>;
  private leave: () => void = () => undefined;

  constructor(machine: Machine, shell?: Shell, page: Page = { url: () => "https://mail.test/", go: () => undefined, replace: () => undefined }) {
    this.gone = new Promise((go) => (this.leave = go));
    this.mail = webmail(machine.world(this), page, shell);
  }

  /** As when the browser is killed: nothing is finished, nothing is said. */
  close(): void {
    this.closed = true;
    this.leave();
  }
}
