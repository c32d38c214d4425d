/** Drafts while they are written: kept here at every pause, at the server within seconds. */

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { Account, Attachment, Draft, DraftAttachment, DraftPort, DraftState, Id, Millis, Outcome, OutboxEntry, Settings } from "./contract";
import { makingRoom, type KeptDraft } from "./database";
import { Failure, outcome } from "./failures";
import type { Client } from "./jmap/client";
import type { JmapIdentity } from "./jmap/types";
import type { Kept } from "./kept";
import { looksLikeAddress, recipients } from "./outbox/compose";
import type { Outbox } from "./outbox/outbox";
import type { Threads } from "./threads";
import { freshId, type World } from "./world";

const SERVER_MS = 4_000; // a version goes to the server so long after the last change at the earliest
const FORGOTTEN_MS = 86_400_000; // discarded drafts can be had back until then

export interface DraftParts {
  world: World;
  client: Client;
  kept: Kept;
  outbox: Outbox;
  threads: Threads;
  settings: () => Settings;
  account: () => Account;
}

export class Drafts {
  readonly here: ReadonlySignal<Draft[]>;
  private readonly timers = new Map<Id, () => void>();
  private readonly progress = signal<Record<Id, number>>({});
  private readonly watched = new Map<Id, ReadonlySignal<DraftState | null>>();

  constructor(private readonly parts: DraftParts) {
    this.here = computed(() => [...parts.kept.drafts.value.values()].filter((each) => each.open && each.state === "editing").map((each) => each.draft));
  }

  /** Of an attachment on its way up. */
  onProgress(_draft: Id, attachment: Id, part: number): void {
    this.progress.value = { ...this.progress.value, [attachment]: part };
  }

  port(): DraftPort {
    return {
      here: this.here,
      create: (fill) => outcome("unchanged", () => this.create(fill)),
      edit: (email) => outcome("unchanged", () => this.edit(email)),
      attachFrom: (draft, email, parts) => outcome("unchanged", () => this.attachFrom(draft, email, parts)),
      watch: (draft) => this.watch(draft),
      save: (draft) => outcome("unchanged", () => this.save(draft)),
      attach: (draft, file, name, inline) => outcome("unchanged", () => this.attach(draft, file, name, inline ?? false)),
      detach: (draft, attachment) => outcome("unchanged", () => this.detach(draft, attachment)),
      bytes: (draft, attachment) => outcome("unchanged", () => this.bytes(draft, attachment)),
      discard: (draft) => outcome("unchanged", () => this.discard(draft)),
      restore: (draft) => outcome("unchanged", () => this.restore(draft)),
      put: (draft) => outcome("kept", () => this.put(draft)),
      send: (draft, at) => this.send(draft, at),
    };
  }

  /** At the start: drafts that the server doesn't have go there, discarded ones are forgotten. */
  async begin(): Promise<void> {
    const { kept, world, outbox } = this.parts;
    const old = [...kept.drafts.value.values()].filter((each) => each.state === "discarded" && each.savedAt + FORGOTTEN_MS < world.now());
    for (const each of old) for (const one of each.draft.attachments) await kept.db.delete("files", one.id);
    if (old.length) await kept.write({ draftsGone: old.map((each) => each.id) });
    for (const each of kept.drafts.value.values()) {
      const waits = kept.operations.value.some((one) => one.kind === "draft" && one.draft === each.id);
      if (each.state === "editing" && each.version > each.serverVersion && !waits && worthKeeping(each.draft)) await outbox.saveDraft(each);
    }
  }

  // ----------------------------------------------------------------------------------------------

  private find(id: Id): KeptDraft {
    const found = this.parts.kept.drafts.value.get(id);
    if (!found) throw new Failure("gone");
    return found;
  }

  private async create(fill: Partial<Omit<Draft, "id" | "attachments">>): Promise<Draft> {
    const settings = this.parts.settings();
    const draft: Draft = {
      identity: settings.defaultIdentity, to: [], cc: [], bcc: [], replyTo: [], subject: "", format: settings.format, html: "", text: "",
      about: null, ...fill, id: freshId("draft-"), attachments: [],
    };
    await this.write({
      id: draft.id, draft, version: 1, serverVersion: 0, email: null, savedAt: this.parts.world.now(), open: true, state: "editing",
      conflict: null, problem: null, blobs: {},
    });
    return draft;
  }

  private async edit(email: Id): Promise<Draft> {
    const { kept, threads } = this.parts;
    const id = kept.real(email);
    const known = [...kept.drafts.value.values()].find((each) => each.email === id && each.state === "editing");
    if (known) {
      await this.write({ ...known, open: true });
      return known.draft;
    }
    const message = await threads.message(id);
    if (message.body.state !== "here") throw new Failure("not-here");
    const identities = [...(kept.things<JmapIdentity>("Identity").value?.values() ?? [])];
    const from = message.from[0]?.email.toLowerCase();
    const { attachments, blobs } = borrowed(message.attachments);
    const answered = message.inReplyTo[0] ? await this.emailOfMessageId(message.inReplyTo[0], message.thread) : null;
    const draft: Draft = {
      id: freshId("draft-"), identity: identities.find((each) => each.email.toLowerCase() === from)?.id ?? null, to: message.to, cc: message.cc,
      bcc: message.bcc, replyTo: message.replyTo, subject: message.subject, format: message.body.html === null ? "plain" : "rich",
      html: message.body.html ?? "", text: message.body.html === null ? message.body.text : "",
      about: answered ? { email: answered, as: "reply" } : null, attachments,
    };
    await this.write({
      id: draft.id, draft, version: 1, serverVersion: 1, email: id, savedAt: this.parts.world.now(), open: true, state: "editing",
      conflict: null, problem: null, blobs,
    });
    return draft;
  }

  /** In the conversation, of what is here: it keeps In-Reply-To when the draft is saved again. */
  private async emailOfMessageId(messageId: string, thread: Id): Promise<Id | null> {
    for (const each of this.parts.kept.thread(thread)) {
      const body = await this.parts.kept.db.get("bodies", each.id);
      if (body?.messageId?.includes(messageId)) return each.id;
    }
    return null;
  }

  private async attachFrom(id: Id, email: Id, parts?: string[]): Promise<void> {
    const message = await this.parts.threads.message(email);
    if (message.body.state === "missing") throw new Failure(message.body.problem.what === "gone" ? "gone" : "not-here");
    const kept = this.find(id);
    const added = borrowed(message.attachments.filter((each) => !parts || parts.includes(each.part)));
    const attachments = [...kept.draft.attachments, ...added.attachments];
    this.checkSize(attachments);
    await this.change(kept, { attachments }, { ...kept.blobs, ...added.blobs });
  }

  watch(id: Id): ReadonlySignal<DraftState | null> {
    let found = this.watched.get(id);
    if (!found) {
      found = computed(() => {
        const each = this.parts.kept.drafts.value.get(id);
        if (!each) return null;
        const progress = this.progress.value;
        const attachments = each.draft.attachments.map((one) => (one.state !== "ready" && one.id in progress
          ? { ...one, progress: progress[one.id]!, state: "uploading" as const } : one));
        return {
          draft: { ...each.draft, attachments }, saved: each.serverVersion >= each.version ? "server" : "device",
          savedAt: each.savedAt, conflict: each.conflict, problem: each.problem,
        };
      });
      this.watched.set(id, found);
    }
    return found;
  }

  private async save(draft: Draft): Promise<void> {
    const kept = this.find(draft.id);
    if (kept.state !== "editing") throw new Failure("changed");
    const { attachments: _, id: __, ...text } = draft;
    const { attachments: ___, id: ____, ...before } = kept.draft;
    if (JSON.stringify(text) !== JSON.stringify(before)) await this.change(kept, text);
  }

  private async change(kept: KeptDraft, part: Partial<Draft>, blobs = kept.blobs): Promise<void> {
    await this.write({
      ...kept, draft: { ...kept.draft, ...part }, version: kept.version + 1, savedAt: this.parts.world.now(), blobs, problem: null,
    });
    this.timers.get(kept.id)?.();
    this.timers.set(kept.id, this.parts.world.later(SERVER_MS, () => void this.toServer(kept.id).catch(() => undefined)));
  }

  private async toServer(id: Id): Promise<void> {
    this.timers.get(id)?.();
    this.timers.delete(id);
    const kept = this.parts.kept.drafts.value.get(id);
    if (kept?.state === "editing" && kept.version > kept.serverVersion && worthKeeping(kept.draft)) await this.parts.outbox.saveDraft(kept);
  }

  private async attach(id: Id, file: Blob, name: string, inline: boolean): Promise<DraftAttachment> {
    const { kept, world } = this.parts;
    const added: DraftAttachment = {
      id: freshId("file-"), name, type: file.type || "application/octet-stream", size: file.size,
      cid: inline ? `${freshId("")}@inline` : null, progress: 0, state: "kept", problem: null,
    };
    this.checkSize([...this.find(id).draft.attachments, added]);
    const bytes = await file.arrayBuffer();
    await makingRoom(kept.db, () => kept.db.put("files", { id: added.id, bytes, type: added.type, name, used: world.now() }), () => (kept.full.value = true));
    const now = this.find(id);
    await this.change(now, { attachments: [...now.draft.attachments, added] }, { ...now.blobs, [added.id]: null });
    return added;
  }

  private checkSize(all: DraftAttachment[]): void {
    const most = this.parts.account().limits.attachment;
    if (all.reduce((sum, each) => sum + each.size, 0) > most) throw new Failure("too-large", "", { limit: most });
  }

  private async detach(id: Id, attachment: Id): Promise<void> {
    const kept = this.find(id);
    const { [attachment]: _, ...blobs } = kept.blobs;
    await this.change(kept, { attachments: kept.draft.attachments.filter((each) => each.id !== attachment) }, blobs);
    await this.parts.kept.db.delete("files", attachment);
  }

  private async bytes(id: Id, attachment: Id): Promise<Blob> {
    const kept = this.find(id);
    const found = kept.draft.attachments.find((each) => each.id === attachment);
    if (!found) throw new Failure("gone");
    const file = await this.parts.kept.db.get("files", attachment);
    if (file) return new Blob([file.bytes], { type: file.type });
    const blob = kept.blobs[attachment];
    if (!blob) throw new Failure("gone");
    return new Blob([await this.parts.client.download(blob, found.name, found.type)], { type: found.type });
  }

  private async discard(id: Id): Promise<void> {
    const kept = this.find(id);
    this.timers.get(id)?.();
    await this.parts.outbox.discardDraft({ ...kept, open: false, state: "discarded", savedAt: this.parts.world.now() });
  }

  private async restore(id: Id): Promise<Draft> {
    const kept = this.find(id);
    if (kept.state !== "discarded") throw new Failure("gone");
    const operation = this.parts.kept.operations.value.find((each) => each.kind === "discard" && each.draft === id);
    if (operation) await this.parts.kept.withdraw(operation.number);
    const again: KeptDraft = { ...kept, state: "editing", open: true, version: kept.version + 1 };
    if (worthKeeping(again.draft)) await this.parts.outbox.saveDraft(again);
    else await this.write(again);
    return again.draft;
  }

  private async put(id: Id): Promise<void> {
    const kept = this.find(id);
    if (!worthKeeping(kept.draft) && !kept.email) return this.parts.kept.write({ draftsGone: [id] });
    await this.write({ ...kept, open: false });
    await this.toServer(id);
  }

  private async send(id: Id, at?: Millis): Promise<Outcome<OutboxEntry>> {
    return outcome("draft", async () => {
      const { kept, world, outbox, settings, account } = this.parts;
      const draft = this.find(id);
      if (draft.state !== "editing") throw new Failure("changed");
      if (!account().can.send) throw new Failure("forbidden");
      const to = recipients(draft.draft);
      const wrong = to.filter((each) => !looksLikeAddress(each.email)).map((each) => each.email);
      if (!to.length || wrong.length) throw new Failure("recipient", "", { addresses: wrong });
      const identities = [...(kept.things<JmapIdentity>("Identity").value?.values() ?? [])];
      const identity = identities.find((each) => each.id === kept.real(draft.draft.identity ?? "")) ?? identities[0];
      if (!identity) throw new Failure("sender");
      this.timers.get(id)?.();
      const { undoSeconds } = settings();
      const here = account().limits.delayedSend === 0;
      const now = world.now();
      const operation = await outbox.send({ ...draft, state: "sending", open: false, problem: null }, {
        at: at ?? null, undoSeconds, notBefore: here ? at ?? now + undoSeconds * 1000 : 0, subject: draft.draft.subject, to,
      }, identity.email.split("@").pop() ?? "localhost");
      return outbox.entry(operation);
    });
  }

  private write(draft: KeptDraft): Promise<void> {
    return this.parts.kept.write({ drafts: [draft] });
  }
}

/** Attachments of a message at the server as those of a draft: nothing goes down or up for it. */
function borrowed(from: Attachment[]): { attachments: DraftAttachment[]; blobs: Record<Id, Id | null> } {
  const blobs: Record<Id, Id | null> = {};
  const attachments = from.map(({ blob, name, type, size, cid }): DraftAttachment => {
    const id = freshId("file-");
    blobs[id] = blob;
    return { id, name, type, size, cid, progress: 1, state: "ready", problem: null };
  });
  return { attachments, blobs };
}

/** A draft that nobody wrote anything into isn't worth a place in Drafts. */
function worthKeeping(draft: Draft): boolean {
  const people = draft.to.length + draft.cc.length + draft.bcc.length;
  return people > 0 || draft.attachments.length > 0 || !!draft.subject.trim() || !!draft.text.trim() || !!draft.html.replace(/<[^>]*>|&nbsp;/g, "").trim();
}

