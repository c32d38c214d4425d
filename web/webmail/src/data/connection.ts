/**
 * Whether the service can be reached, from what requests meet, and what the status feed says about it.
 *
 * The one place that tries again: after a failure a probe goes out, later each time and not all browsers at once;
 * when it is answered, all who wait for the service are told, and do their work anew.
 */

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { Connection, ConnectionPort, Fault, Feed, FunctionName, Millis, SyncState } from "./contract";
import { Failure } from "./failures";
import { readFeed } from "./feed";
import type { Watcher } from "./jmap/client";
import type { World } from "./world";

const FIRST_MS = 1_000;
const LAST_MS = 30_000;
const STEADY_MS = 30_000;
const ASKED_FOR_MS = 300_000; // Retry-After is followed up to here
const FEED_IN_TROUBLE_MS = 60_000;
const FEED_MS = 300_000;

interface Seen { since: Millis; level: Fault["level"]; detail: string }

export class ConnectionState implements Watcher {
  private readonly seen = signal<Partial<Record<FunctionName, Seen>>>({});
  private readonly told = signal<{ feed: Feed; faults: Fault[] }>({ feed: { state: "none" }, faults: [] });
  private readonly offlineSince = signal<Millis | null>(null);
  readonly trying = signal<{ busy: boolean; next: Millis | null }>({ busy: false, next: null });
  readonly sync = signal<SyncState>({ phase: "idle", done: 0, total: 0, upToDate: null });
  readonly now: ReadonlySignal<Connection>;
  private tries = 0;
  private wellSince = 0;
  private callOff: (() => void) | null = null;
  private readonly waiting = new Set<() => void>();
  private readonly hears = new Set<(failure: Failure | null) => void>();
  private ended = false;

  /** `probe`: a small request that goes all the way to the mail. `statusUrl`: '' where there is no feed. */
  constructor(
    private readonly world: World,
    private readonly probe: () => Promise<void>,
    private readonly statusUrl: () => string,
    private readonly whenSessionChanges: () => void,
  ) {
    this.now = computed(() => this.combined());
    if (!world.online()) this.offlineSince.value = world.now();
    world.whenNetworkChanges(() => this.networkChanged());
    this.feedForever();
  }

  /** Called whenever the service is there again after it wasn't. */
  whenBack(hear: () => void): () => void {
    this.waiting.add(hear);
    return () => this.waiting.delete(hear);
  }

  /** What the other tabs are told: a failure, or null when all is well again. */
  whenItTurns(hear: (failure: Failure | null) => void): void {
    this.hears.add(hear);
  }

  get well(): boolean {
    return !this.seen.value.webmail && this.offlineSince.value === null;
  }

  out(): Failure | null {
    if (this.offlineSince.value !== null) return new Failure("offline");
    const seen = this.seen.value.webmail;
    return seen ? new Failure(seen.level === "down" ? "unreachable" : "unavailable", seen.detail) : null;
  }

  reached(): void {
    this.callOff?.();
    this.callOff = null;
    if (this.well && this.trying.value.next === null) return;
    const { webmail: _, ...others } = this.seen.value;
    this.seen.value = others;
    this.offlineSince.value = null;
    this.trying.value = { busy: false, next: null };
    this.wellSince = this.world.now();
    for (const hear of this.hears) hear(null);
    for (const hear of [...this.waiting]) hear();
  }

  failed(failure: Failure): void {
    if (!failure.temporary || failure.what === "rate") return;
    // A service that comes and goes isn't asked every second.
    if (this.well && this.world.now() - this.wellSince > STEADY_MS) this.tries = 0;
    if (failure.what === "offline" || !this.world.online()) this.offlineSince.value ??= this.world.now();
    else this.see("webmail", failure.what === "unreachable" ? "down" : "degraded", failure.detail);
    for (const hear of this.hears) hear(failure);
    if (!this.callOff && !this.trying.value.busy) this.tryLater(failure.more.retryAfterMs ?? 0);
  }

  sessionChanged(): void {
    this.whenSessionChanges();
  }

  /** Another function than reading: seen out of order, or working (null). */
  see(name: FunctionName, level: Fault["level"] | null, detail = ""): void {
    const { [name]: before, ...others } = this.seen.value;
    if (level === null) {
      if (before) this.seen.value = others;
    } else if (before?.level !== level) {
      this.seen.value = { ...others, [name]: { since: before?.since ?? this.world.now(), level, detail } };
      void this.readFeed();
    }
  }

  retry(): void {
    this.callOff?.();
    this.callOff = null;
    void this.tryNow();
  }

  port(): ConnectionPort {
    return { now: this.now, trying: this.trying, sync: this.sync, retry: () => this.retry() };
  }

  end(): void {
    this.ended = true;
    this.callOff?.();
  }

  private networkChanged(): void {
    if (this.world.online()) this.retry();
    else this.failed(new Failure("offline"));
  }

  private tryLater(atLeast: number): void {
    const steps = Math.min(LAST_MS, FIRST_MS * 2 ** this.tries++);
    const wait = Math.max(steps * (0.5 + this.world.random() / 2), Math.min(atLeast, ASKED_FOR_MS));
    this.trying.value = { busy: false, next: this.world.now() + wait };
    this.callOff = this.world.later(wait, () => {
      this.callOff = null;
      void this.tryNow();
    });
  }

  private async tryNow(): Promise<void> {
    if (this.ended || this.trying.value.busy) return;
    this.trying.value = { busy: true, next: null };
    let atLeast = 0;
    try {
      await this.probe();
      this.trying.value = { busy: false, next: null };
      if (!this.well) this.reached();
      return;
    } catch (error) {
      if (error instanceof Failure) {
        atLeast = error.more.retryAfterMs ?? 0;
        if (!error.temporary) {
          // It answered: what it refuses isn't a matter of reaching it.
          this.trying.value = { busy: false, next: null };
          if (!this.well) this.reached();
          return;
        }
      }
    }
    this.tryLater(atLeast);
  }

  private combined(): Connection {
    const offline = this.offlineSince.value;
    if (offline !== null) return { state: "offline", since: offline };
    const { feed, faults: told } = this.told.value;
    const faults = [...told];
    for (const [key, seen] of Object.entries(this.seen.value)) {
      const name = key as FunctionName;
      const at = faults.findIndex((each) => each.name === name);
      const known = faults[at];
      const fault: Fault = {
        name, source: "seen", level: known?.level === "down" ? "down" : seen.level, since: known?.since ?? seen.since, said: known?.said ?? null,
        works: known?.works ?? [], nextUpdate: known?.nextUpdate ?? null,
      };
      if (at >= 0) faults[at] = fault;
      else faults.unshift(fault);
    }
    if (!faults.length) return { state: "online" };
    const since = Math.min(...faults.map((each) => each.since ?? this.world.now()));
    return { state: "trouble", since, faults, feed };
  }

  private feedForever(): void {
    void this.readFeed().then(() => {
      if (this.ended) return;
      const wait = this.now.value.state === "online" ? FEED_MS : FEED_IN_TROUBLE_MS;
      this.world.later(wait * (0.75 + this.world.random() / 2), () => this.feedForever());
    });
  }

  private async readFeed(): Promise<void> {
    if (this.ended || !this.world.online()) return;
    const read = await readFeed(this.world, this.statusUrl());
    if (read.feed.state !== "none" || this.told.value.feed.state !== "none") this.told.value = read;
  }
}
