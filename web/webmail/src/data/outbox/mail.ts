/**
 * Drafts and messages on their way to the server, each step so that it may be repeated.
 *
 * OUT-1 A message goes out once: it bears a Message-ID chosen here, and before a second try the server is asked for
 *       it and for its submission.
 * OUT-2 No text is lost: a draft's earlier version is removed only while it is a draft still, in the state it was
 *       looked at; a draft that was changed elsewhere becomes a second one.
 */

import type { Id, Millis } from "../contract";
import { keep, type KeptDraft, type KeptEmail } from "../database";
import { Failure, failureOfSet } from "../failures";
import type { Client } from "../jmap/client";
import {
  LISTED, ref, type GetResult, type JmapBody, type JmapEmail, type JmapIdentity, type JmapMailbox, type JmapSubmission,
  type QueryResult, type SetResult,
} from "../jmap/types";
import type { Change, Kept } from "../kept";
import type { DraftOperation, Fresh, SendOperation, SetOperation } from "../operations";
import { freshId, type World } from "../world";
import { ancestry, emailOf, envelopeOf, type Ancestry } from "./compose";

const TRIES_TO_REPLACE = 3;
const DRAFTS_LOOKED_AT = 30; // the newest
const GRACE_MS = 3_000; // a message that waited longer than its time to undo isn't held back once more

export class Mail {
  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly kept: Kept,
    /** Seconds that the server holds a message back at most; 0: it doesn't. */
    private readonly mostDelay: () => number,
    private readonly progress: (draft: Id, attachment: Id, part: number) => void,
  ) {}

  // ------------------------------------------------------------------------------------------- drafts

  async save(operation: DraftOperation): Promise<void> {
    const draft = this.kept.drafts.value.get(operation.draft);
    if (!draft || draft.state !== "editing" || draft.serverVersion >= draft.version) {
      return this.kept.write({ operationsGone: [operation.number] });
    }
    const uploaded = await this.uploads(draft);
    const messageId = `${operation.id}@${this.domain(uploaded)}`;
    const before = operation.begun ? await this.withMessageId(messageId) : [];
    const email = await this.emailOf(uploaded, messageId);
    const { made, gone, missing } = await this.replace(email, [uploaded.email, ...before].filter((each): each is Id => !!each));
    const now = this.kept.drafts.value.get(draft.id) ?? uploaded;
    const changedElsewhere = uploaded.email !== null && missing.includes(uploaded.email);
    await this.kept.write({
      emails: [this.listed(made, email)], emailsGone: gone, operationsGone: [operation.number],
      drafts: [{
        ...now, email: made.id, serverVersion: uploaded.version, blobs: { ...uploaded.blobs, ...now.blobs }, problem: null,
        conflict: changedElsewhere ? { other: await this.otherThan(made, uploaded) } : now.conflict,
      }],
    });
  }

  /** The draft that took the place of this one's last version: of its conversation, or with its subject. */
  private async otherThan(made: Made, { draft, email }: KeptDraft): Promise<Id | null> {
    const before = email ? this.kept.base.get(email) : undefined;
    const mine = new Set([made.id, ...[...this.kept.drafts.value.values()].map((each) => each.email)]);
    try {
      const answer = await this.client.call([
        ["Email/query", {
          filter: { inMailbox: this.role("drafts"), hasKeyword: "$draft" }, sort: [{ property: "receivedAt", isAscending: false }], limit: DRAFTS_LOOKED_AT,
        }, "q"],
        ["Email/get", { "#ids": ref("q", "Email/query", "/ids"), properties: LISTED }, "g"],
      ]);
      const others = answer.of<GetResult<JmapEmail>>("g").list.filter((each) => !mine.has(each.id) && (!before || each.receivedAt >= before.receivedAt));
      await this.kept.found(others.map(keep));
      const subjects = [draft.subject, before?.subject].filter((each) => !!each);
      const same = others.find((each) => each.threadId === made.threadId) ?? others.find((each) => subjects.includes(each.subject ?? ""));
      return same?.id ?? null;
    } catch {
      return null; // both drafts are there; only its name isn't known
    }
  }

  async discard(operation: DraftOperation): Promise<void> {
    const draft = this.kept.drafts.value.get(operation.draft);
    if (draft?.email) {
      const { gone } = await this.replace(null, [draft.email]);
      await this.kept.write({ emailsGone: gone, operationsGone: [operation.number], drafts: [{ ...draft, email: null, serverVersion: 0 }] });
    } else await this.kept.write({ operationsGone: [operation.number] });
  }

  /** Makes the new version and removes those of the old ones that are drafts still. OUT-2 */
  private async replace(email: Record<string, unknown> | null, old: Id[]): Promise<{ made: Made; gone: Id[]; missing: Id[] }> {
    let missing: Id[] = [];
    for (let attempt = 0; ; attempt++) {
      let ifInState: string | undefined;
      let destroy: Id[] = [];
      if (old.length && attempt < TRIES_TO_REPLACE) {
        const now = await this.client.one<GetResult<JmapEmail>>("Email/get", { ids: old, properties: ["id", "keywords"] });
        ifInState = now.state;
        missing = now.notFound;
        destroy = now.list.filter((each) => each.keywords.$draft).map((each) => each.id);
        if (!email && !destroy.length) return { made: { id: "" }, gone: missing, missing };
      }
      try {
        const result = await this.client.one<SetResult>("Email/set", {
          ...(ifInState ? { ifInState } : {}), ...(email ? { create: { draft: email } } : {}), ...(destroy.length ? { destroy } : {}),
        });
        const refused = result.notCreated?.draft;
        if (refused) throw failureOfSet(refused);
        return { made: (result.created?.draft as Made | undefined) ?? { id: "" }, gone: [...(result.destroyed ?? []), ...missing], missing };
      } catch (error) {
        if (!(error instanceof Failure) || error.what !== "changed" || attempt >= TRIES_TO_REPLACE) throw error;
      }
    }
  }

  // ------------------------------------------------------------------------------------------- sending

  /** `operation` as it was before it was claimed. OUT-1 */
  async send(operation: SendOperation): Promise<void> {
    const kept = this.kept.drafts.value.get(operation.draft);
    if (!kept) return this.kept.write({ operationsGone: [operation.number] });
    const draft = await this.uploads(kept);
    let email = operation.email;
    let submission: JmapSubmission | null = null;
    if (operation.begun && !email) email = (await this.withMessageId(operation.messageId))[0] ?? null;
    if (email) submission = await this.submissionOf(email);
    if (!submission) ({ email, submission } = await this.submit(operation, draft, email));
    await this.sent(operation, draft, email!, submission);
  }

  private async submit(operation: SendOperation, draft: KeptDraft, known: Id | null): Promise<{ email: Id; submission: JmapSubmission }> {
    const drafts = this.role("drafts");
    const sent = this.role("sent");
    const identity = this.identity(draft);
    const create = known ? null : await this.emailOf(draft, operation.messageId);
    const hold = this.hold(operation);
    const moved = {
      [`mailboxIds/${drafts}`]: null, ...(sent ? { [`mailboxIds/${sent}`]: true } : {}), "keywords/$draft": null,
    };
    const answer = await this.client.call([
      ...(create ? [["Email/set", { create: { mail: create } }, "email"] as [string, Record<string, unknown>, string]] : []),
      ["EmailSubmission/set", {
        create: {
          send: {
            identityId: identity.id, emailId: known ?? "#mail",
            envelope: envelopeOf(draft.draft, identity.email, hold.seconds, hold.at),
          },
        },
        onSuccessUpdateEmail: { "#send": moved },
      }, "send"],
    ]);
    let email = known;
    if (create) {
      const made = answer.of<SetResult>("email");
      const refused = made.notCreated?.mail;
      if (refused) throw failureOfSet(refused);
      email = made.created!.mail!.id;
    }
    const result = answer.of<SetResult>("send");
    const refused = result.notCreated?.send;
    if (refused) {
      // The message is in Drafts now; the next try begins there.
      await this.kept.write({ operations: [{ ...operation, email, begun: true, state: "sending" }] });
      throw failureOfSet(refused);
    }
    const made = result.created!.send!;
    return {
      email: email!,
      submission: {
        id: made.id, emailId: email!, undoStatus: (made.undoStatus as JmapSubmission["undoStatus"] | undefined) ?? (hold.until ? "pending" : "final"),
        sendAt: (made.sendAt as string | undefined) ?? new Date(hold.until ?? this.world.now()).toISOString(),
      },
    };
  }

  /** In one transaction: the message is out, its draft needn't be kept at the server, what it answers is answered. */
  private async sent(operation: SendOperation, draft: KeptDraft, email: Id, submission: JmapSubmission): Promise<void> {
    const until = Date.parse(submission.sendAt);
    const held = submission.undoStatus === "pending" && until > this.world.now();
    const change: Change = {
      operations: [{
        ...operation, email, submission: submission.id, at: held ? until : this.world.now(), state: held ? "held" : "sent", problem: null,
      }],
      drafts: [{ ...draft, state: "sent", open: false, email, serverVersion: draft.version }],
    };
    const after: Fresh<SetOperation>[] = [];
    const common = { lane: "mail", made: this.world.now(), begun: false, tries: 0, state: "waiting" as const, problem: null, kind: "set" as const };
    const plain = { create: {}, destroy: [] as Id[], args: {}, action: null, count: 1, shown: {} };
    const about = draft.draft.about;
    if (about && this.kept.email(about.email)) {
      const word = about.as === "reply" ? "$answered" : "$forwarded";
      after.push({ ...common, ...plain, id: freshId(""), type: "Email", update: { [this.kept.real(about.email)]: { [`keywords/${word}`]: true } } });
    }
    const { emails, emailsGone } = await this.removeOld(draft, email);
    await this.kept.enqueue(after, { ...change, emails, emailsGone });
  }

  /** The saved draft beside the message that went out; if that fails now, it is only a draft too many. */
  private async removeOld(draft: KeptDraft, email: Id): Promise<{ emails: KeptEmail[]; emailsGone: Id[] }> {
    const old = draft.email && draft.email !== email ? [draft.email] : [];
    try {
      const { gone } = old.length ? await this.replace(null, old) : { gone: [] };
      const got = await this.client.getAll<JmapEmail>("Email", [email], { properties: LISTED });
      return { emails: got.list.map(keep), emailsGone: gone };
    } catch {
      return { emails: [], emailsGone: [] };
    }
  }

  /** The message goes back to being a draft. Throws `Failure("gone")` when it is too late. */
  async cancel(operation: SendOperation): Promise<void> {
    const drafts = this.role("drafts");
    const result = await this.client.one<SetResult>("EmailSubmission/set", {
      update: { [operation.submission!]: { undoStatus: "canceled" } },
      onSuccessUpdateEmail: { [operation.submission!]: { mailboxIds: { [drafts]: true }, "keywords/$draft": true } },
    });
    const refused = result.notUpdated?.[operation.submission!];
    if (refused) throw failureOfSet(refused);
  }

  private hold(operation: SendOperation): { seconds: number; at: Millis | null; until: Millis | null } {
    const now = this.world.now();
    const most = this.mostDelay();
    if (!most) return { seconds: 0, at: null, until: null };
    if (operation.at !== null && operation.at > now) return { seconds: 0, at: operation.at, until: operation.at };
    const left = operation.made + operation.undoSeconds * 1000 - now;
    const seconds = left > -GRACE_MS && operation.at === null ? Math.min(Math.max(left / 1000, 1), most) : 0;
    return { seconds, at: null, until: seconds ? now + seconds * 1000 : null };
  }

  private async submissionOf(email: Id): Promise<JmapSubmission | null> {
    const answer = await this.client.call([
      ["EmailSubmission/query", { filter: { emailIds: [email] } }, "q"],
      ["EmailSubmission/get", { "#ids": { resultOf: "q", name: "EmailSubmission/query", path: "/ids" } }, "g"],
    ]);
    answer.of("q");
    return answer.of<GetResult<JmapSubmission>>("g").list.find((each) => each.undoStatus !== "canceled") ?? null;
  }

  private async withMessageId(messageId: string): Promise<Id[]> {
    return (await this.client.one<QueryResult>("Email/query", { filter: { header: ["Message-ID", messageId] } })).ids;
  }

  // ------------------------------------------------------------------------------------------- both

  private async uploads(kept: KeptDraft): Promise<KeptDraft> {
    let draft = kept;
    for (const each of kept.draft.attachments) {
      if (draft.blobs[each.id]) continue;
      const file = await this.kept.db.get("files", each.id);
      if (!file) throw new Failure("gone", each.name);
      const blob = await this.client.upload(new Blob([file.bytes], { type: file.type }), (part) => this.progress(kept.id, each.id, part));
      // What was typed meanwhile stays.
      const now = this.kept.drafts.value.get(kept.id) ?? draft;
      const blobs = { ...now.blobs, [each.id]: blob };
      const attachments = now.draft.attachments.map((one) => (one.id === each.id ? { ...one, progress: 1, state: "ready" as const, problem: null } : one));
      await this.kept.write({ drafts: [{ ...now, blobs, draft: { ...now.draft, attachments } }] });
      draft = { ...draft, blobs };
    }
    return draft;
  }

  private async emailOf(kept: KeptDraft, messageId: string): Promise<Record<string, unknown>> {
    const about = kept.draft.about?.as === "reply" ? await this.ancestors(kept.draft.about.email) : null;
    return emailOf(kept.draft, this.identity(kept), this.role("drafts"), messageId, kept.blobs, about, this.world.now());
  }

  private async ancestors(id: Id): Promise<Ancestry | null> {
    const here = await this.kept.db.get("bodies", this.kept.real(id));
    const wanted = ["id", "messageId", "inReplyTo", "references"];
    const from = here ?? (await this.client.one<GetResult<JmapBody>>("Email/get", { ids: [this.kept.real(id)], properties: wanted })).list[0];
    return from ? ancestry(from.messageId, from.inReplyTo, from.references) : null;
  }

  private identity(kept: KeptDraft): JmapIdentity {
    const all = [...(this.kept.things<JmapIdentity>("Identity").value?.values() ?? [])];
    const found = all.find((each) => each.id === this.kept.real(kept.draft.identity ?? "")) ?? all[0];
    if (!found) throw new Failure("sender");
    // Made here and not at the server yet: its turn comes.
    if (!this.kept.baseObject("Identity", found.id)) throw new Failure("rate", "the sender isn't known to the server yet");
    return found;
  }

  private domain(kept: KeptDraft): string {
    return this.identity(kept).email.split("@").pop() || "localhost";
  }

  private role(role: string): Id {
    for (const each of this.kept.baseObjects("Mailbox") as unknown as JmapMailbox[]) if (each.role === role) return each.id;
    if (role === "drafts") throw new Failure("invalid", "there is no mailbox for drafts");
    return "";
  }

  private listed(made: Made, email: Record<string, unknown>): KeptEmail {
    const text = ((email.bodyValues as Record<string, { value: string }>).t?.value ?? "").replace(/\s+/g, " ");
    const now = this.world.now();
    return {
      id: made.id, threadId: made.threadId ?? made.id, mailboxIds: email.mailboxIds as Record<string, true>,
      keywords: email.keywords as Record<string, true>, from: email.from as KeptEmail["from"], to: (email.to as KeptEmail["to"]) ?? null,
      cc: (email.cc as KeptEmail["cc"]) ?? null, subject: email.subject as string, receivedAt: new Date(now).toISOString(),
      size: made.size ?? text.length, hasAttachment: !!email.attachments, preview: text.slice(0, 256), age: -now,
    };
  }
}

interface Made { id: Id; threadId?: Id; size?: number }
