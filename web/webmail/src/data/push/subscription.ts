/**
 * This device among those that the server pushes to (RFC 8620 §7.2): its place is made known, proven by the code
 * that comes there first, renewed before it ends, and given up with the sign-in. A page does it while one is open,
 * the service worker whenever something comes.
 */

import { effect, signal, untracked } from "@preact/signals";
import type { Access } from "../access";
import type { PushState } from "../contract";
import type { Device, KeptPush } from "../database";
import { Failure, failureOfSet } from "../failures";
import type { Client } from "../jmap/client";
import { VAPID, type SetResult } from "../jmap/types";
import { freshId, type Channel, type World } from "../world";

const SOON_MS = 1_000;
const LOOK_MS = 3_600_000;
const RENEWED_MS = 4 * 86_400_000; // before its end; of the week that a server gives some days are left for outages
const PROVEN_MS = 3_600_000; // a place from which no code came by then is made anew
const LOCK = "holdfast-push";
/** One message for new mail is enough: what else changes isn't worth waking anybody. RFC 8621 §1.5 */
export const DELIVERY = "EmailDelivery";

export class Subscription {
  readonly state = signal<PushState>("off");
  /** Null: not known yet. */
  readonly wanted = signal<boolean | null>(null);
  private readonly channel: Channel;

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly access: Access,
    private readonly device: Device,
  ) {
    this.channel = world.channel("holdfast-push");
    this.channel.listen(() => void this.look().catch(() => undefined));
    void this.look().catch(() => undefined);
  }

  /** Keeps it as it is wanted, from now on; one tab does. Returns what ends that. */
  follow(whenBack: (hear: () => void) => () => void): () => void {
    let callOff = () => {};
    let asked = 0;
    const later = (ms: number) => {
      callOff();
      const mine = ++asked;
      // Asked for once more meanwhile, it is done soon, not at the next look.
      callOff = this.world.later(ms, () => void this.keep().finally(() => asked === mine && later(LOOK_MS)));
    };
    const wish = effect(() => {
      if (this.wanted.value !== null) untracked(() => later(SOON_MS));
    });
    const back = whenBack(() => later(SOON_MS));
    return () => {
      wish();
      back();
      callOff();
    };
  }

  /** Once: what is missing is made, what is too much ends. */
  async keep(wanted = this.wanted.value): Promise<void> {
    if (wanted === null) return;
    try {
      await this.world.locked(LOCK, () => (wanted ? this.subscribe() : this.drop()));
      await this.look();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (wanted) this.state.value = "failed"; // tried again in a while, or when the service is back
    }
    this.channel.post("kept");
  }

  /** The code came. It is written down first: it comes once. */
  async prove(id: string, code: string): Promise<void> {
    await this.world.locked(LOCK, async () => {
      await this.device.put("pushCode", { id, code });
      const known = await this.device.get("push");
      if (known?.id === id) await this.proven(known);
    });
    this.channel.post("proven");
  }

  /** With the sign-in: before its token ends. What the server can't be told it learns from the push service. */
  async leave(): Promise<void> {
    this.wanted.value = null;
    await this.world.locked(LOCK, () => this.drop());
  }

  end(): void {
    this.channel.close();
  }

  // ------------------------------------------------------------------------------------------------------

  private async look(): Promise<void> {
    const known = await this.device.get("push");
    if (!this.world.push) this.state.value = "unsupported";
    else if (!this.key()) this.state.value = "unoffered";
    else this.state.value = !known || known.account !== this.access.account() ? "off" : known.proven ? "on" : "waiting";
  }

  private key(): string {
    return String(this.access.session().capabilities[VAPID]?.applicationServerKey ?? "");
  }

  private async subscribe(): Promise<void> {
    const door = this.world.push;
    const key = this.key();
    if (!door || !key) return;
    let known = await this.device.get("push");
    if (known && known.account !== this.access.account()) {
      // Whoever was signed in before isn't told any more.
      await door.unsubscribe();
      await this.device.remove("push");
      known = undefined;
    }
    const place = await door.subscribe(key);
    const now = this.world.now();
    if (known && (known.endpoint !== place.endpoint || known.until <= now || (!known.proven && known.made + PROVEN_MS < now))) {
      await this.give(known);
      known = undefined;
    }
    known ??= await this.make(place);
    if (!known.proven) known = await this.proven(known);
    if (known.proven && known.until - RENEWED_MS < now) await this.renew(known);
  }

  private async drop(): Promise<void> {
    const known = await this.device.get("push");
    if (!known) return;
    await this.world.push?.unsubscribe().catch(() => undefined);
    await this.give(known);
  }

  private async make({ endpoint, p256dh, auth }: { endpoint: string; p256dh: string; auth: string }): Promise<KeptPush> {
    const id = (await this.device.get("id")) ?? freshId("");
    await this.device.put("id", id);
    const result = await this.set({ create: { mine: { deviceClientId: id, url: endpoint, keys: { p256dh, auth }, types: [DELIVERY] } } });
    const made = result.created?.mine;
    if (!made) throw failureOfSet(result.notCreated?.mine ?? { type: "serverFail" });
    const known: KeptPush = {
      account: this.access.account(), id: made.id, endpoint, made: this.world.now(), until: Date.parse(String(made.expires)), proven: false,
    };
    await this.device.put("push", known);
    return known;
  }

  private async proven(known: KeptPush): Promise<KeptPush> {
    const came = await this.device.get("pushCode");
    if (came?.id !== known.id) return known;
    await this.change(known, { verificationCode: came.code });
    await this.device.remove("pushCode");
    return this.keepPush({ ...known, proven: true });
  }

  private async renew(known: KeptPush): Promise<void> {
    const said = await this.change(known, { expires: null });
    if (said?.expires) await this.keepPush({ ...known, until: Date.parse(String(said.expires)) });
  }

  /** What the server no longer has is forgotten here, and made anew at the next look. */
  private async change(known: KeptPush, patch: Record<string, unknown>): Promise<Record<string, unknown> | null> {
    const result = await this.set({ update: { [known.id]: patch } });
    const refused = result.notUpdated?.[known.id];
    if (!refused) return result.updated?.[known.id] ?? null;
    const failure = failureOfSet(refused);
    if (!failure.temporary) await this.device.remove("push");
    throw failure;
  }

  private async keepPush(known: KeptPush): Promise<KeptPush> {
    await this.device.put("push", known);
    return known;
  }

  private async give(known: KeptPush): Promise<void> {
    await this.device.remove("push");
    await this.set({ destroy: [known.id] }).catch(() => undefined);
  }

  private set(args: Record<string, unknown>): Promise<SetResult> {
    return this.client.one<SetResult>("PushSubscription/set", args);
  }
}
