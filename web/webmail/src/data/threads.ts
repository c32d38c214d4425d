/** Conversations as they are read. */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { Attachment, Body, Id, Message, Outcome, Problem, ThreadPort, ThreadView } from "./contract";
import type { ConnectionState } from "./connection";
import type { Blobs } from "./blobs";
import { keep, type KeptBody, type KeptEmail } from "./database";
import { Failure, outcome, problemOf } from "./failures";
import type { Client } from "./jmap/client";
import { LISTED, ref, type GetResult, type JmapEmail, type JmapThread, type Part } from "./jmap/types";
import type { Kept } from "./kept";
import type { Mailboxes } from "./mailboxes";
import { people, type Rows } from "./rows";
import { plain, type Bodies } from "./sync/bodies";
import type { World } from "./world";

/** Images that may be shown from our own address; SVG can hold scripts. */
const SAFE_IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];
const OCTETS = "application/octet-stream";

export interface ThreadParts {
  world: World;
  client: Client;
  kept: Kept;
  bodies: Bodies;
  blobs: Blobs;
  mailboxes: Mailboxes;
  rows: Rows;
  connection: ConnectionState;
}

type Loaded = KeptBody | Problem;

export class Threads {
  constructor(private readonly parts: ThreadParts) {}

  port(): ThreadPort {
    return {
      open: (thread) => this.open(thread),
      message: (email) => outcome("unchanged", () => this.message(email)),
      attachment: (email, part, type) => this.attachment(email, part, type),
      source: (email) => outcome("unchanged", async () => {
        const body = await this.parts.bodies.get(email);
        if (!body) throw new Failure("gone");
        return this.parts.blobs.get(body.blobId, "message.eml", "message/rfc822");
      }),
    };
  }

  open(thread: Id): ThreadView {
    const { kept, bodies, connection } = this.parts;
    const loaded = signal<ReadonlyMap<Id, Loaded>>(new Map());
    const problem = signal<Problem | null>(null);
    const here = signal(false);
    const asked = new Set<Id>();
    let closed = false;
    const set = (id: Id, value: Loaded) => (loaded.value = new Map(loaded.value).set(id, value));
    const load = (id: Id, always: boolean) => {
      if (asked.has(id)) return;
      asked.add(id);
      void bodies.here(id).then(async (found) => {
        if (found) return void set(id, found);
        if (!always) return void asked.delete(id);
        const got = await bodies.get(id);
        if (got) set(id, got);
      }).catch((error: unknown) => {
        asked.delete(id);
        set(id, problemOf(error, "unchanged"));
      });
    };
    const ask = async () => {
      try {
        const answer = await this.parts.client.call([
          ["Thread/get", { ids: [thread] }, "t"],
          ["Email/get", { "#ids": ref("t", "Thread/get", "/list/*/emailIds"), properties: LISTED }, "e"],
        ]);
        const gone = answer.of<GetResult<JmapThread>>("t").notFound.length > 0;
        await kept.found(answer.of<GetResult<JmapEmail>>("e").list.map(keep));
        problem.value = gone ? problemOf(new Failure("gone"), "unchanged") : null;
        here.value = true;
      } catch (error) {
        problem.value = problemOf(error, "unchanged");
      }
    };
    const messages = computed<Message[] | null>(() => {
      void kept.changed.value;
      const emails = kept.thread(thread);
      if (!emails.length && !here.value) return null;
      return emails.map((each) => this.made(each, loaded.value.get(each.id)));
    });
    const stop = effect(() => {
      const shown = messages.value ?? [];
      untracked(() => shown.forEach((each, index) => load(each.id, each.unread || index === shown.length - 1)));
    });
    const back = connection.whenBack(() => {
      void ask();
      for (const [id, value] of loaded.value) if (!("id" in value)) load(id, true);
    });
    void ask();
    void this.parts.blobs.look().catch(() => undefined);
    return {
      id: thread, messages, problem,
      need: (id) => {
        const value = loaded.value.get(id);
        if (!closed && (!value || !("id" in value))) {
          asked.delete(id);
          load(id, true);
        }
      },
      close: () => {
        closed = true;
        stop();
        back();
      },
    };
  }

  async message(id: Id): Promise<Message> {
    const { kept, bodies, client } = this.parts;
    if (!kept.email(id)) await kept.found((await client.getAll<JmapEmail>("Email", [kept.real(id)], { properties: LISTED })).list.map(keep));
    const email = kept.email(id);
    if (!email) throw new Failure("gone");
    try {
      const body = await bodies.get(id);
      if (!body) throw new Failure("gone");
      return this.made(email, body);
    } catch (error) {
      return this.made(email, problemOf(error, "unchanged"));
    }
  }

  private attachment(id: Id, part: string, type?: string): Promise<Outcome<Blob>> {
    return outcome("unchanged", async () => {
      const body = await this.parts.bodies.get(id);
      const found = body && body.attachments.find((each) => each.partId === part || each.blobId === part);
      if (!found?.blobId) throw new Failure("gone");
      const safe = type && SAFE_IMAGES.includes(type) && SAFE_IMAGES.includes(found.type.toLowerCase()) ? found.type.toLowerCase() : OCTETS;
      return this.parts.blobs.get(found.blobId, found.name ?? "attachment", safe);
    });
  }

  private made(email: KeptEmail, loaded: Loaded | undefined): Message {
    const body = loaded && "id" in loaded ? loaded : null;
    const junk = this.parts.mailboxes.byRole("junk")?.id;
    const sender = body?.["header:Authentication-Results:asText"] ?? "";
    return {
      id: email.id, thread: email.threadId, mailboxes: Object.keys(email.mailboxIds), from: people(email.from), to: people(email.to),
      cc: people(email.cc), bcc: people(body?.bcc), replyTo: people(body?.replyTo), subject: email.subject ?? "",
      sent: body?.sentAt ? Date.parse(body.sentAt) : null, received: -email.age, size: email.size, preview: email.preview,
      unread: !email.keywords.$seen, starred: "$flagged" in email.keywords, draft: "$draft" in email.keywords,
      answered: "$answered" in email.keywords, forwarded: "$forwarded" in email.keywords,
      suspicious: (!!junk && junk in email.mailboxIds) || /\bdmarc=fail\b/i.test(sender),
      snoozedUntil: this.parts.rows.snoozedUntil([email]), messageId: body?.messageId ?? [], inReplyTo: body?.inReplyTo ?? [],
      references: body?.references ?? [], unsubscribe: body && unsubscribe(body), attachments: body ? attachments(body, this.parts.blobs.here.value) : [],
      body: shown(loaded), pending: this.parts.kept.isPending(email.id),
    };
  }
}

function shown(loaded: Loaded | undefined): Body {
  if (!loaded) return { state: "waiting" };
  if (!("id" in loaded)) {
    const known = loaded.what === "offline" || loaded.what === "unreachable" || loaded.what === "unavailable";
    return { state: "missing", problem: known ? { ...loaded, what: "not-here" } : loaded };
  }
  const values = loaded.bodyValues;
  const html = loaded.htmlBody.filter((part) => part.partId && part.type === "text/html").map((part) => values[part.partId!]?.value ?? "");
  return {
    state: "here", html: html.length ? html.join("\n<hr>\n") : null, text: plain(loaded),
    cut: Object.values(values).some((each) => each.isTruncated),
  };
}

function attachments(body: KeptBody, here: ReadonlySet<Id>): Attachment[] {
  const inside = new Set<string>();
  for (const part of body.htmlBody) {
    const html = part.partId ? body.bodyValues[part.partId]?.value ?? "" : "";
    for (const found of html.matchAll(/cid:([^"'\s>)]+)/gi)) inside.add(decode(found[1]!));
  }
  return body.attachments.filter((each) => each.blobId).map((each: Part) => ({
    part: each.partId ?? each.blobId!, blob: each.blobId!, name: each.name ?? "", type: each.type, size: each.size,
    cid: each.cid, inline: !!each.cid && inside.has(each.cid), here: here.has(each.blobId!),
  }));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 2369, RFC 8058; only https is one click, as that document has it. */
function unsubscribe(body: KeptBody): Message["unsubscribe"] {
  const urls = body["header:List-Unsubscribe:asURLs"] ?? [];
  const url = urls.find((each) => /^https:/i.test(each)) ?? null;
  const mailto = urls.find((each) => /^mailto:/i.test(each)) ?? null;
  const oneClick = !!url && /List-Unsubscribe=One-Click/i.test(body["header:List-Unsubscribe-Post:asText"] ?? "");
  return url || mailto ? { url, mailto, oneClick } : null;
}

