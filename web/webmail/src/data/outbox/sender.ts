/**
 * Works the outbox off: the first of each lane, again and again, until all is sent or waits. In one tab alone.
 *
 * OUT-3 An operation leaves the outbox only with the server's answer to it, in the same transaction as its effect;
 *       what was interrupted is sent again, and that changes nothing that was done already.
 * OUT-4 What the server refuses for good stays, with its reason, until the person has seen it; it isn't shown as done.
 */

import type { Id, Millis } from "../contract";
import type { ConnectionState } from "../connection";
import { Failure, problem, problemOf } from "../failures";
import type { Client } from "../jmap/client";
import type { Kept } from "../kept";
import { run, type Operation, type SendOperation, type SetOperation } from "../operations";
import type { World } from "../world";
import type { Mail } from "./mail";
import type { Sets } from "./sets";

const AGAIN_MS = 5_000;
const LONGEST_MS = 300_000;
const SENT_STAYS_MS = 10_000;
const UNKNOWN_TRIES = 3; // of a failure of our own, before it is shown as refused

export class Sender {
  private running: Promise<void> | null = null;
  private again = false;
  private ended = false;
  private started = false;
  private readonly blocked = new Map<string, Millis>();
  private callOff: (() => void) | null = null;

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly kept: Kept,
    private readonly sets: Sets,
    private readonly mail: Mail,
    private readonly connection: ConnectionState,
    private readonly refused: (operation: Operation) => void,
  ) {}

  nudge(): Promise<void> {
    if (this.ended) return Promise.resolve();
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.loop().catch((error: unknown) => {
      if (!this.ended) throw error; // the database is closed before this is done
    }).finally(() => (this.running = null));
    return this.running;
  }

  /** The service is there again: nobody waits any longer. */
  back(): Promise<void> {
    this.blocked.clear();
    return this.nudge();
  }

  end(): void {
    this.ended = true;
    this.callOff?.();
  }

  private async loop(): Promise<void> {
    if (!this.started) await this.takeOver();
    this.started = true;
    do {
      this.again = false;
      while (!this.ended && (await this.step()));
    } while (this.again && !this.ended);
    await this.tidy();
    this.wakeLater();
  }

  /** What another tab was sending when it ended may have been done, or not. */
  private async takeOver(): Promise<void> {
    const halfway = this.kept.operations.value.filter((each) => each.state === "sending");
    if (halfway.length) await this.kept.write({ operations: halfway.map((each) => ({ ...each, state: "waiting" as const })) });
  }

  /** One thing of one lane; whether there was one. */
  private async step(): Promise<boolean> {
    if (!this.connection.well) return false;
    const now = this.world.now();
    const seen = new Set<string>();
    for (const operation of this.kept.operations.value) {
      if (operation.state !== "waiting" && operation.state !== "sending") continue;
      if (seen.has(operation.lane)) continue;
      seen.add(operation.lane);
      if (operation.state === "sending" || (this.blocked.get(operation.lane) ?? 0) > now) continue;
      if (operation.kind === "send" && operation.notBefore > now) continue;
      if (await this.attempt(operation)) return true;
    }
    return false;
  }

  private async attempt(first: Operation): Promise<boolean> {
    const lane = this.kept.operations.value.filter((each) => each.lane === first.lane && each.state === "waiting" && each.number >= first.number);
    const group: Operation[] = first.kind === "set" ? run(lane, this.client.limit("maxObjectsInSet", 100)) : [first];
    const claimed = await this.kept.claim(group.map((each) => each.number));
    if (!claimed) return true; // somebody took one back: look again
    try {
      if (first.kind === "set") {
        const tried = await this.sets.send(claimed as SetOperation[]);
        for (const each of tried.refused) this.refused(each);
        if (tried.waits) this.block(first, tried.waits);
      } else if (first.kind === "draft") await this.mail.save(claimed[0] as typeof first);
      else if (first.kind === "discard") await this.mail.discard(claimed[0] as typeof first);
      else {
        await this.mail.send(claimed[0] as SendOperation);
        this.connection.see("send", null);
      }
    } catch (error) {
      await this.failed(claimed, error);
    }
    return true;
  }

  private async failed(claimed: Operation[], error: unknown): Promise<void> {
    const failure = error instanceof Failure ? error : null;
    const numbers = new Set(claimed.map((each) => each.number));
    // As it is now: a step may have written what it has come to.
    const now = this.kept.operations.value.filter((each) => numbers.has(each.number) && each.state === "sending");
    const waits = failure ? failure.temporary || failure.what === "sign-in" || failure.what === "changed" : now.every((each) => each.tries < UNKNOWN_TRIES);
    // 503 or no network: certainly not done. No answer: who knows.
    const undecided = !failure || failure.what === "unreachable" || failure.more.type === "serverPartialFail";
    if (waits) {
      await this.kept.write({
        operations: now.map((each) => {
          const before = claimed.find((one) => one.number === each.number)!;
          const begun = before.begun || undecided || (each.kind === "send" && each.email !== null);
          const paused = failure?.what === "sign-in" ? problem("sign-in", "kept") : null;
          return { ...each, state: "waiting" as const, begun, problem: paused };
        }),
      });
      for (const each of now) this.block(each, failure);
      return;
    }
    const safe = claimed[0]!.kind === "set" ? "undone" : "draft";
    const refused = now.map((each) => ({ ...each, state: "refused" as const, problem: problemOf(error, safe) }));
    const drafts = refused.flatMap((each) => {
      const draft = each.kind === "set" ? undefined : this.kept.drafts.value.get(each.draft);
      if (!draft) return [];
      const email = each.kind === "send" && each.email ? { email: each.email, serverVersion: draft.version } : {};
      return [{ ...draft, ...email, state: draft.state === "sending" ? "editing" as const : draft.state, problem: each.problem }];
    });
    await this.kept.write({ operations: refused, drafts });
    for (const each of refused) this.refused(each);
  }

  private block(operation: Operation, failure: Failure | null): void {
    const wait = Math.min(LONGEST_MS, AGAIN_MS * 2 ** Math.min(operation.tries, 10)) * (0.75 + this.world.random() / 2);
    this.blocked.set(operation.lane, this.world.now() + Math.max(wait, failure?.more.retryAfterMs ?? 0));
    if (operation.kind === "send" && failure?.what === "unavailable" && this.connection.well) this.connection.see("send", "degraded", failure.detail);
  }

  /** Messages that went out are shown for a while; then they and their drafts are forgotten here. */
  private async tidy(): Promise<void> {
    const now = this.world.now();
    const operationsGone: number[] = [];
    const draftsGone: Id[] = [];
    const operations: Operation[] = [];
    for (const each of this.kept.operations.value) {
      if (each.kind !== "send") continue;
      if (each.state === "held" && each.at !== null && each.at <= now) operations.push({ ...each, state: "sent", at: now });
      if (each.state === "sent" && each.at !== null && each.at + SENT_STAYS_MS <= now) {
        operationsGone.push(each.number);
        draftsGone.push(each.draft);
      }
    }
    if (!operations.length && !operationsGone.length) return;
    for (const id of draftsGone) {
      for (const one of this.kept.drafts.value.get(id)?.draft.attachments ?? []) await this.kept.db.delete("files", one.id);
    }
    await this.kept.write({ operations, operationsGone, draftsGone });
  }

  private wakeLater(): void {
    this.callOff?.();
    const now = this.world.now();
    const times: number[] = [];
    const heads = new Set<string>();
    for (const each of this.kept.operations.value) {
      if (each.kind === "send" && (each.state === "held" || each.state === "sent") && each.at !== null) {
        times.push(each.state === "held" ? each.at : each.at + SENT_STAYS_MS);
      }
      if (each.state !== "waiting" || !this.connection.well || heads.has(each.lane)) continue;
      heads.add(each.lane);
      const until = this.blocked.get(each.lane) ?? 0;
      times.push(Math.max(until, each.kind === "send" ? each.notBefore : 0, now));
    }
    if (!times.length || this.ended) return;
    const wait = Math.min(Math.max(Math.min(...times) - now, 50), 2 ** 31 - 1);
    this.callOff = this.world.later(wait, () => void this.nudge());
  }
}
