/** What is done here goes through this: written down, shown, sent when that's possible. */

import { computed, effect, type ReadonlySignal } from "@preact/signals";
import type { ActionName, Draft, Id, Millis, Outcome, OutboxEntry, OutboxPort } from "../contract";
import type { KeptDraft } from "../database";
import { Failure, outcome } from "../failures";
import type { Change, Kept } from "../kept";
import { isPending, type DraftOperation, type Fresh, type Operation, type SendOperation, type SetOperation } from "../operations";
import type { Patch } from "../patches";
import { freshId, type World } from "../world";

interface Wish {
  create?: SetOperation["create"];
  update?: Record<Id, Patch>;
  destroy?: Id[];
  args?: Record<string, unknown>;
  shown?: Record<Id, Patch>;
  action?: ActionName;
}

const LANES: Record<string, string> = { ContactCard: "contacts", AddressBook: "contacts", Identity: "identities", Settings: "settings" };

export class Outbox {
  readonly waiting: ReadonlySignal<number>;
  readonly entries: ReadonlySignal<OutboxEntry[]>;

  constructor(
    private readonly world: World,
    private readonly kept: Kept,
    /** Of a message that is held at the server. Throws `Failure`. */
    private readonly cancel: (operation: SendOperation) => Promise<void>,
    /** Tells whoever sends. */
    private readonly nudge: () => void,
  ) {
    this.entries = computed(() => kept.operations.value.map((each) => this.entry(each)));
    this.waiting = computed(() => kept.operations.value.filter(isPending).length);
  }

  async set(type: string, wish: Wish): Promise<SetOperation> {
    const { create = {}, update = {}, destroy = [], args = {}, shown = {}, action = null } = wish;
    const [made] = await this.kept.enqueue([{
      ...this.fresh(LANES[type] ?? "mail"), kind: "set", type, create, update, destroy, args, shown, action,
      count: Object.keys(create).length + Object.keys(update).length + destroy.length,
    } satisfies Fresh<SetOperation>]);
    this.nudge();
    return made as SetOperation;
  }

  /** The latest version of a draft goes to the server; one such operation is enough. */
  async saveDraft(draft: KeptDraft): Promise<void> {
    const waits = this.kept.operations.value.some((each) => each.kind === "draft" && each.draft === draft.id && each.state === "waiting" && !each.begun);
    if (waits) await this.kept.write({ drafts: [draft] });
    else await this.enqueueFor(draft, { ...this.fresh(`draft:${draft.id}`), kind: "draft", draft: draft.id } satisfies Fresh<DraftOperation>);
  }

  async discardDraft(draft: KeptDraft): Promise<void> {
    for (const each of this.kept.operations.value) if (each.kind === "draft" && each.draft === draft.id) await this.kept.withdraw(each.number);
    await this.enqueueFor(draft, { ...this.fresh(`draft:${draft.id}`), kind: "discard", draft: draft.id } satisfies Fresh<DraftOperation>);
  }

  async send(draft: KeptDraft, operation: Pick<SendOperation, "at" | "undoSeconds" | "notBefore" | "subject" | "to">, domain: string): Promise<SendOperation> {
    // Its text goes with it: what was to be saved needn't be any more.
    for (const each of this.kept.operations.value) if (each.kind === "draft" && each.draft === draft.id) await this.kept.withdraw(each.number);
    const fresh = this.fresh(`draft:${draft.id}`);
    return (await this.enqueueFor(draft, {
      ...fresh, kind: "send", draft: draft.id, messageId: `${fresh.id}@${domain}`, email: null, submission: null, ...operation,
    } satisfies Fresh<SendOperation>)) as SendOperation;
  }

  port(): OutboxPort {
    return {
      entries: this.entries,
      waiting: this.waiting,
      undo: (id) => outcome("unchanged", () => this.undo(id)),
      sendNow: (id) => outcome("unchanged", () => this.sendNow(id)),
      retry: (id) => outcome("kept", async () => {
        await this.kept.write({ operations: [{ ...this.find(id), state: "waiting", problem: null, tries: 0 }] });
        this.nudge();
      }),
      dismiss: (id) => this.dismiss(id),
    };
  }

  private dismiss(id: Id): Promise<Outcome> {
    return outcome("unchanged", async () => {
      const operation = this.find(id);
      const draft = operation.kind === "set" ? undefined : this.kept.drafts.value.get(operation.draft);
      await this.kept.write({
        operationsGone: [operation.number],
        drafts: draft && operation.kind === "send" && operation.state === "refused" ? [{ ...draft, state: "editing", problem: null }] : [],
      });
    });
  }

  private async undo(id: Id): Promise<Draft> {
    const operation = await this.settled(id);
    const draft = operation.kind === "send" ? this.kept.drafts.value.get(operation.draft) : undefined;
    if (operation.kind !== "send" || !draft) throw new Failure("gone");
    const again: KeptDraft = { ...draft, state: "editing", open: true, problem: null, version: draft.version + 1 };
    if (operation.state === "refused") {
      await this.kept.write({ operationsGone: [operation.number], drafts: [again] });
    } else if (operation.state === "waiting" && (await this.kept.withdraw(operation.number))) {
      await this.kept.write({ drafts: [again] });
    } else {
      const now = this.find(id) as SendOperation;
      if (now.state === "sending") return this.undo(id); // it was begun just now
      if (now.state === "waiting") throw new Failure("unreachable", "whether the server has it isn't known");
      if (now.state !== "held" || !now.submission) throw new Failure(now.state === "sent" ? "gone" : "changed");
      await this.cancel(now);
      await this.kept.write({ operationsGone: [operation.number], drafts: [{ ...again, email: now.email, serverVersion: draft.version }] });
    }
    return again.draft;
  }

  private async sendNow(id: Id): Promise<void> {
    const operation = this.find(id);
    if (operation.kind !== "send") throw new Failure("gone");
    if (operation.state === "held") await this.cancel(operation);
    const draft = this.kept.drafts.value.get(operation.draft);
    // A second submission of a message that is there: not the first one's id, which was canceled.
    await this.kept.write({
      operations: [{ ...operation, at: null, notBefore: 0, undoSeconds: 0, submission: null, state: "waiting", begun: operation.email !== null, problem: null }],
      drafts: draft ? [{ ...draft, state: "sending" }] : [],
    });
    this.nudge();
  }

  /** As it is when no try of it is under way: what is being sent can be taken back once the server has it. */
  private settled(id: Id): Promise<Operation> {
    return new Promise((go, fail) => {
      const end = effect(() => {
        const now = this.kept.operations.value.find((each) => each.id === id);
        if (now?.state === "sending") return;
        queueMicrotask(() => {
          end();
          if (now) go(now);
          else fail(new Failure("gone"));
        });
      });
    });
  }

  private find(id: Id): Operation {
    const found = this.kept.operations.value.find((each) => each.id === id);
    if (!found) throw new Failure("gone");
    return found;
  }

  private async enqueueFor(draft: KeptDraft, operation: Fresh<DraftOperation> | Fresh<SendOperation>): Promise<Operation> {
    const change: Change = { drafts: [draft] };
    const [made] = await this.kept.enqueue([operation], change);
    this.nudge();
    return made!;
  }

  private fresh(lane: string): { id: Id; lane: string; made: Millis; begun: boolean; tries: number; state: "waiting"; problem: null } {
    return { id: freshId(""), lane, made: this.world.now(), begun: false, tries: 0, state: "waiting", problem: null };
  }

  entry(operation: Operation): OutboxEntry {
    const set = operation.kind === "set" ? operation : null;
    const send = operation.kind === "send" ? operation : null;
    const draft = set ? null : (operation as DraftOperation).draft;
    const kinds: Record<string, OutboxEntry["kind"]> = { ContactCard: "contact", Settings: "settings", Identity: "settings", Mailbox: "mailbox" };
    return {
      id: operation.id, kind: set ? kinds[set.type] ?? "change" : send ? "send" : "draft", action: set?.action ?? null, draft,
      subject: send?.subject ?? (draft ? this.kept.drafts.value.get(draft)?.draft.subject ?? "" : ""), to: send?.to ?? [],
      count: set?.count ?? 1, made: operation.made, at: send?.at ?? null, problem: operation.problem, tries: operation.tries,
      state: operation.state === "waiting" && operation.problem?.what === "sign-in" ? "paused" : operation.state,
    };
  }
}
