/** Texts of messages: of the last days all, of others when they were read. With them what search reads offline. */

import type { Id } from "../contract";
import { makingRoom, type KeptBody, type KeptText } from "../database";
import type { Client } from "../jmap/client";
import { PART, READ, WEBMAIL, type JmapBody } from "../jmap/types";
import type { Kept } from "../kept";
import { people } from "../rows";
import { words } from "../search/fold";
import type { World } from "../world";

const AT_ONCE = 20;
const DAY_MS = 86_400_000;
const VALUE_BYTES = 256 * 1024;
const SEARCHED_CHARS = 8_000;

const BODY_ARGS = {
  properties: READ, bodyProperties: PART, fetchHTMLBodyValues: true, fetchTextBodyValues: true,
  maxBodyValueBytes: VALUE_BYTES,
};

export class Bodies {
  private readonly under = new Map<Id, Promise<KeptBody | null>>();
  private readonly hears = new Set<(id: Id) => void>();

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly kept: Kept,
  ) {}

  /** Of the last `days` those that are missing here, newest first. Throws `Failure`. */
  async fetchMissing(days: number, progress: (done: number, total: number) => void): Promise<void> {
    if (days <= 0 || this.kept.full.value) return;
    const since = IDBKeyRange.upperBound(-(this.world.now() - days * DAY_MS));
    const wanted = await this.kept.db.getAllKeysFromIndex("emails", "age", since);
    const have = new Set(await this.kept.db.getAllKeysFromIndex("bodies", "age", since));
    const missing = wanted.filter((id) => !have.has(id) && this.kept.base.has(id));
    for (let at = 0; at < missing.length; at += AT_ONCE) {
      progress(at, missing.length);
      await this.fetch(missing.slice(at, at + AT_ONCE));
      if (this.kept.full.value) return;
    }
  }

  /** What is older than the last `days` goes from this device, with its attachments. */
  async giveUpOlder(days: number): Promise<void> {
    const older = IDBKeyRange.lowerBound(-(this.world.now() - days * DAY_MS), true);
    const tx = this.kept.db.transaction(["bodies", "texts", "blobs"], "readwrite");
    const gone: Id[] = [];
    for (let cursor = await tx.objectStore("bodies").index("age").openCursor(older); cursor; cursor = await cursor.continue()) {
      const { id, blobId, attachments } = cursor.value;
      for (const each of [blobId, ...attachments.map((part) => part.blobId)]) if (each) void tx.objectStore("blobs").delete(each);
      void tx.objectStore("texts").delete(id);
      void cursor.delete();
      gone.push(id);
    }
    await tx.done;
    for (const id of gone) for (const hear of this.hears) hear(id);
  }

  /** From this device. */
  async here(id: Id): Promise<KeptBody | null> {
    return (await this.kept.db.get("bodies", this.kept.real(id))) ?? null;
  }

  /** From this device or the server; null: it no longer exists. Throws `Failure`. */
  async get(id: Id): Promise<KeptBody | null> {
    const here = await this.here(id);
    if (here) return here;
    let under = this.under.get(id);
    if (!under) {
      under = this.fetch([this.kept.real(id)]).then((found) => found[0] ?? null).finally(() => this.under.delete(id));
      this.under.set(id, under);
    }
    return under;
  }

  /** A text came to this device, or went. */
  whenChanged(hear: (id: Id) => void): () => void {
    this.hears.add(hear);
    return () => this.hears.delete(hear);
  }

  private async fetch(ids: Id[]): Promise<KeptBody[]> {
    const got = await this.client.getAll<JmapBody>("Email", ids, {
      ...BODY_ARGS, ...(this.client.offers(WEBMAIL) ? { sanitizeHTMLBodyValues: true } : {}),
    });
    const found = got.list.map((each): KeptBody => ({ ...each, age: this.kept.base.get(each.id)?.age ?? 0 }));
    const texts = found.map(searched);
    await makingRoom(this.kept.db, async () => {
      const tx = this.kept.db.transaction(["bodies", "texts"], "readwrite");
      for (const each of found) void tx.objectStore("bodies").put(each);
      for (const each of texts) void tx.objectStore("texts").put(each);
      await tx.done;
    }, () => (this.kept.full.value = true)).catch(() => undefined); // it is shown all the same
    for (const each of found) for (const hear of this.hears) hear(each.id);
    return found;
  }
}

function searched(body: KeptBody): KeptText {
  const named = new Set([...body.attachments, ...body.htmlBody, ...body.textBody].map((part) => words(part.name ?? "")));
  return {
    id: body.id, text: words(plain(body).slice(0, SEARCHED_CHARS)), names: [...named].join(" "),
    bcc: words(people(body.bcc).map((each) => `${each.name} ${each.email}`).join(" ")),
  };
}

/** The text of a message: its text parts, or what is left of its HTML. */
export function plain(body: Pick<JmapBody, "textBody" | "bodyValues">): string {
  return body.textBody.map((part) => {
    const value = part.partId ? body.bodyValues[part.partId]?.value ?? "" : "";
    return part.type === "text/html" ? untagged(value) : value;
  }).join("\n");
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** For search and for a text alternative; what it returns is never used as HTML. */
export function untagged(html: string): string {
  return html
    .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, "")
    .replace(/<br\b[^>]*>/gi, "\n")
    .replace(/<\/(p|div|tr|h[1-6]|li|blockquote)>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
      if (name[0] !== "#") return ENTITIES[name.toLowerCase()] ?? whole;
      const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
    })
    .replace(/[ \t]+/g, " ")
    .replace(/\n[ \n]*\n/g, "\n\n")
    .trim();
}
