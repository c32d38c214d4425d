/** How a message begins: empty, from a mailto: link, as an answer, as one sent on, as a draft taken up again. */

import { type Draft, type Identity, type Message, type Outcome, type Person, mail } from "../data";
import { t } from "../texts";
import { fullDate } from "../texts/dates";
import type { ComposeRoute } from "../ui/router";
import { isSame, parseAddresses, unique, writeAddress } from "./addresses";
import { escaped, quoted, toHtml } from "./convert";
import { signatureBlock, signatureLines } from "./signature";

type Fill = Partial<Omit<Draft, "id" | "attachments">>;

export interface Begun {
  draft: Draft;
  /** The quoted message wasn't on this device: said in the window. */
  unquoted: boolean;
  /** Made just now: where nothing is written into it, nothing of it stays. */
  fresh: boolean;
}

export async function begin(route: ComposeRoute): Promise<Outcome<Begun>> {
  if (route.kind === "draft" && route.about) return takeUp(route.about);
  if (route.kind === "new" || !route.about) return made(fresh(route.fields), false);
  const asked = await mail.threads.message(route.about);
  if (!asked.ok) return asked;
  const message = asked.value;
  const unquoted = message.body.state !== "here";
  if (route.kind === "asAttachment") return withMessage(message);
  const fill = route.kind === "forward" ? forward(message) : reply(message, route.kind === "replyAll");
  const begun = await made(fill, unquoted);
  if (!begun.ok || unquoted) return begun;
  const parts = message.attachments.filter((each) => (route.kind === "forward" && !each.inline) || isShown(message, each.cid));
  if (!parts.length) return begun;
  const attached = await mail.drafts.attachFrom(begun.value.draft.id, message.id, parts.map((each) => each.part));
  return attached.ok ? begun : attached;
}

async function made(fill: Fill, unquoted: boolean): Promise<Outcome<Begun>> {
  const outcome = await mail.drafts.create(fill);
  return outcome.ok ? { ok: true, value: { draft: outcome.value, unquoted, fresh: true } } : outcome;
}

/** By the id of a draft made here (taken back from the outbox) or by that of its Email. */
async function takeUp(about: string): Promise<Outcome<Begun>> {
  const here = mail.drafts.watch(about).value;
  if (here) return { ok: true, value: { draft: here.draft, unquoted: false, fresh: false } };
  const outcome = await mail.drafts.edit(about);
  return outcome.ok ? { ok: true, value: { draft: outcome.value, unquoted: false, fresh: false } } : outcome;
}

/** One identity's part of every beginning. */
function opening(identity: Identity | null, quote: { html: string; text: string }): Fill {
  const { format, quote: place } = mail.settings.now.value;
  const sign = { html: signatureBlock(identity), text: signatureLines(identity) };
  const answerFirst = place === "above";
  return {
    identity: identity?.id ?? null,
    replyTo: identity?.replyTo ?? [],
    bcc: identity?.bcc ?? [],
    format,
    html: format !== "rich" ? "" : answerFirst ? `<div><br></div>${sign.html}${quote.html}` : `${quote.html}<div><br></div>${sign.html}`,
    text: answerFirst ? `${sign.text}${quote.text && `\n\n${quote.text}`}` : `${quote.text && `${quote.text}\n\n`}${sign.text}`,
  };
}

function fresh(fields: Record<string, string>): Fill {
  const people = (name: string) => parseAddresses(fields[name] ?? "");
  const body = fields.body ?? "";
  const begun = opening(usual(), { html: "", text: "" });
  return {
    ...begun,
    to: people("to"),
    cc: people("cc"),
    bcc: unique([...(begun.bcc ?? []), ...people("bcc")]),
    subject: fields.subject ?? "",
    html: body && begun.html ? toHtml(body) + begun.html : (begun.html ?? ""),
    text: body + (begun.text ?? ""),
  };
}

export function usual(): Identity | null {
  const all = mail.identities.all.value ?? [];
  return all.find((each) => each.id === mail.settings.now.value.defaultIdentity) ?? all[0] ?? null;
}

function isMe(person: Person): boolean {
  return (mail.identities.all.value ?? []).some((each) => isSame(each, person));
}

/** The sender it was written to: an answer comes from the address that was asked. */
function addressed(message: Message): Identity | null {
  const all = mail.identities.all.value ?? [];
  const there = [...message.to, ...message.cc, ...message.bcc, ...message.from];
  return all.find((identity) => there.some((each) => isSame(each, identity))) ?? usual();
}

export function reply(message: Message, all: boolean): Fill {
  const mine = message.from.some(isMe);
  const back = message.replyTo.length ? message.replyTo : message.from;
  const to = mine ? message.to : all ? [...back, ...message.to.filter((each) => !isMe(each))] : back;
  const people = unique(to);
  const cc = all ? unique(message.cc.filter((each) => !isMe(each) && !people.some((one) => isSame(one, each)))) : [];
  return {
    ...opening(addressed(message), quote(message)),
    to: people,
    cc,
    subject: answering(message.subject),
    about: { email: message.id, as: "reply" },
  };
}

function quote(message: Message): { html: string; text: string } {
  if (message.body.state !== "here") return { html: "", text: "" };
  const who = message.from.map((each) => each.name || each.email).join(", ");
  const line = t("compose.wrote", { date: fullDate(message.sent ?? message.received), who });
  const html = message.body.html ?? toHtml(message.body.text);
  return {
    html: `<div><br></div><div>${escaped(line)}</div><blockquote type="cite">${html}</blockquote>`,
    text: `${line}\n${quoted(message.body.text)}`,
  };
}

export function forward(message: Message): Fill {
  const lines = [
    [t("compose.from"), message.from], [t("compose.to"), message.to], [t("compose.cc"), message.cc],
  ].filter(([, people]) => people?.length).map(([name, people]) => `${String(name)}: ${(people as Person[]).map(writeAddress).join(", ")}`);
  const head = [
    t("compose.forwarded"), ...lines,
    `${t("compose.date")}: ${fullDate(message.sent ?? message.received)}`, `${t("compose.subject")}: ${message.subject}`,
  ];
  const body = message.body.state === "here" ? message.body : { html: null, text: "" };
  const sent = {
    html: `<div><br></div>${head.map((each) => `<div>${escaped(each)}</div>`).join("")}<div><br></div><div>${body.html ?? toHtml(body.text)}</div>`,
    text: `${head.join("\n")}\n\n${body.text}`,
  };
  return {
    ...opening(addressed(message), sent),
    subject: sentOn(message.subject),
    about: { email: message.id, as: "forward" },
  };
}

async function withMessage(message: Message): Promise<Outcome<Begun>> {
  const source = await mail.threads.source(message.id);
  if (!source.ok) return source;
  const about: Draft["about"] = { email: message.id, as: "forward" };
  const begun = await made({ ...opening(addressed(message), { html: "", text: "" }), subject: sentOn(message.subject), about }, false);
  if (!begun.ok) return begun;
  const name = `${message.subject.replace(/[^\p{L}\p{N} ._-]+/gu, "_").trim().slice(0, 80) || "message"}.eml`;
  const attached = await mail.drafts.attach(begun.value.draft.id, new Blob([source.value], { type: "message/rfc822" }), name);
  return attached.ok ? begun : attached;
}

function isShown(message: Message, cid: string | null): boolean {
  return cid !== null && message.body.state === "here" && (message.body.html?.includes(`cid:${cid}`) ?? false);
}

const ANSWER = /^(?:\s*(?:re|aw|antw|sv|vs|rif)\s*(?:\[\d+\])?\s*:\s*)+/i;
const SENT_ON = /^(?:\s*(?:fwd?|wg|wtr|tr)\s*:\s*)+/i;

/** One "Re: ", however many languages have answered before. */
export function answering(subject: string): string {
  return `Re: ${subject.replace(ANSWER, "")}`;
}

export function sentOn(subject: string): string {
  return `Fwd: ${subject.replace(SENT_ON, "")}`;
}
