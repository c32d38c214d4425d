/** The Email that a draft makes, as Email/set creates it (RFC 8621 §4.6), and the envelope it goes out with. */

import type { Draft, Id, Millis, Person } from "../contract";
import type { Address, JmapIdentity } from "../jmap/types";
import { untagged } from "../sync/bodies";

const addresses = (people: Person[]): Address[] => people.map(({ name, email }) => ({ name: name || null, email }));

export interface Ancestry { inReplyTo: string[]; references: string[] }

/** RFC 5322 §3.6.4, of the message that is answered; a forwarded one begins a conversation of its own. */
export function ancestry(messageId: string[] | null, inReplyTo: string[] | null, references: string[] | null): Ancestry {
  const before = references?.length ? references : inReplyTo?.length === 1 ? inReplyTo : [];
  return { inReplyTo: messageId ?? [], references: [...before, ...(messageId ?? [])] };
}

export function emailOf(
  draft: Draft, identity: Pick<JmapIdentity, "name" | "email">, drafts: Id, messageId: string,
  blobs: Record<Id, Id | null>, ancestors: Ancestry | null, now: Millis,
): Record<string, unknown> {
  const rich = draft.format === "rich";
  const text = rich ? draft.text || untagged(draft.html) : draft.text;
  const attachments = draft.attachments.filter((each) => blobs[each.id]).map((each) => ({
    blobId: blobs[each.id], type: each.type, name: each.name,
    ...(each.cid ? { cid: each.cid, disposition: "inline" } : { disposition: "attachment" }),
  }));
  return {
    mailboxIds: { [drafts]: true },
    keywords: { $draft: true, $seen: true },
    from: [{ name: identity.name || null, email: identity.email }],
    ...some("to", draft.to), ...some("cc", draft.cc), ...some("bcc", draft.bcc), ...some("replyTo", draft.replyTo),
    subject: draft.subject,
    messageId: [messageId],
    sentAt: localTime(now),
    ...(ancestors?.inReplyTo.length ? { inReplyTo: ancestors.inReplyTo } : {}),
    ...(ancestors?.references.length ? { references: ancestors.references } : {}),
    bodyValues: { t: { value: text }, ...(rich ? { h: { value: draft.html } } : {}) },
    textBody: [{ partId: "t", type: "text/plain" }],
    ...(rich ? { htmlBody: [{ partId: "h", type: "text/html" }] } : {}),
    ...(attachments.length ? { attachments } : {}),
  };
}

const some = (name: string, people: Person[]) => (people.length ? { [name]: addresses(people) } : {});

/** RFC 3339 with this device's offset: what stands in Date. */
function localTime(now: Millis): string {
  const offset = -new Date(now).getTimezoneOffset();
  const two = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  const local = new Date(now + offset * 60_000).toISOString().slice(0, 19);
  return `${local}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}

export function recipients(draft: Draft): Person[] {
  const found = new Map<string, Person>();
  for (const each of [...draft.to, ...draft.cc, ...draft.bcc]) {
    const key = each.email.toLowerCase();
    if (!found.has(key)) found.set(key, each);
  }
  return [...found.values()];
}

/** RFC 8621 §7; held back by the server as RFC 4865 has it: for so many seconds, or until then. */
export function envelopeOf(draft: Draft, sender: string, holdSeconds: number, at: Millis | null): Record<string, unknown> {
  const parameters = at !== null ? { HOLDUNTIL: new Date(at).toISOString().slice(0, 19) + "Z" }
    : holdSeconds > 0 ? { HOLDFOR: String(Math.ceil(holdSeconds)) } : null;
  return {
    mailFrom: { email: sender, parameters },
    rcptTo: recipients(draft).map(({ email }) => ({ email, parameters: null })),
  };
}

/** Something like an address; the server has the last word. */
export const looksLikeAddress = (email: string): boolean => /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(email);
