/** vCard in and out: 4.0 (RFC 6350) and 3.0 (RFC 2426) are read, and what programs write of 2.1 as far as it is
 * alike; either is written. What a contact has no place for goes into its note on import, so nothing is lost. */

import type { Contact } from "../data";

export type NewContact = Omit<Contact, "id" | "pending">;

export interface Read {
  /** `uid` lets members of groups find their contacts. */
  contacts: (NewContact & { uid: string; memberUids: string[] })[];
  /** Cards that couldn't be read. */
  broken: number;
}

export const BLANK: NewContact = {
  kind: "person", name: "", given: "", surname: "", nickname: "", organization: "", title: "",
  emails: [], phones: [], addresses: [], birthday: "", note: "", members: [],
};

const MOST_CARDS = 20_000;

interface Property {
  group: string;
  name: string;
  params: Map<string, string[]>;
  value: string;
}

// ------------------------------------------------------------------------------------------------ reading

export function readVcards(text: string): Read {
  const read: Read = { contacts: [], broken: 0 };
  let card: Property[] | null = null;
  for (const line of unfolded(text)) {
    const upper = line.trim().toUpperCase();
    if (upper === "BEGIN:VCARD") {
      if (card) read.broken += 1;
      card = [];
    } else if (upper === "END:VCARD") {
      if (card && read.contacts.length < MOST_CARDS) read.contacts.push(contactOf(card));
      card = null;
    } else if (card) {
      const property = propertyOf(line);
      if (property) card.push(property);
    }
  }
  if (card) read.broken += 1;
  return read;
}

/** RFC 6350 §3.2; quoted-printable of 2.1 goes on in the next line after "=". */
function unfolded(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").replace(/\n[ \t]/g, "").split("\n");
  const found: string[] = [];
  for (const line of lines) {
    const before = found.at(-1);
    if (before?.endsWith("=") && /ENCODING=QUOTED-PRINTABLE/i.test(before)) found[found.length - 1] = before.slice(0, -1) + line;
    else if (line.trim()) found.push(line);
  }
  return found;
}

function propertyOf(line: string): Property | null {
  const parts = /^(?:([\w-]+)\.)?([\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)$/s.exec(line);
  if (!parts) return null;
  const params = new Map<string, string[]>();
  for (const each of (parts[3] ?? "").matchAll(/;((?:[^":;]|"[^"]*")*)/g)) {
    const [, name = "TYPE", value = ""] = /^(?:([\w-]+)=)?(.*)$/s.exec(each[1] ?? "") ?? [];
    const values = [...value.matchAll(/"([^"]*)"|[^,]+/g)].map((one) => (one[1] ?? one[0]).trim()).flatMap((one) => one.split(","));
    params.set(name.toUpperCase(), [...(params.get(name.toUpperCase()) ?? []), ...values]);
  }
  let value = parts[4] ?? "";
  if (params.get("ENCODING")?.some((each) => /^quoted-printable$/i.test(each)) || params.get("TYPE")?.some((each) => /^quoted-printable$/i.test(each))) {
    value = fromQuotedPrintable(value, params.get("CHARSET")?.[0] ?? "utf-8");
  }
  return { group: parts[1] ?? "", name: (parts[2] ?? "").toUpperCase(), params, value };
}

function fromQuotedPrintable(value: string, charset: string): string {
  const bytes: number[] = [];
  for (const each of value.matchAll(/=([0-9A-Fa-f]{2})|([\s\S])/g)) {
    if (each[1]) bytes.push(parseInt(each[1], 16));
    else bytes.push(...new TextEncoder().encode(each[2]));
  }
  try {
    return new TextDecoder(charset).decode(Uint8Array.from(bytes));
  } catch {
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }
}

/** "\n", "\,", "\;", "\\": RFC 6350 §3.4. */
function plain(value: string): string {
  return value.replace(/\\(.)/gs, (_, letter: string) => (letter === "n" || letter === "N" ? "\n" : letter));
}

/** Cut at a sign that has no backslash before it. */
function cut(value: string, sign: ";" | ","): string[] {
  const pieces = [""];
  for (const each of value.matchAll(/\\.|[^\\]|\\$/gs)) {
    if (each[0] === sign) pieces.push("");
    else pieces[pieces.length - 1] += each[0];
  }
  return pieces;
}

function contactOf(card: Property[]): Read["contacts"][number] {
  const made: Read["contacts"][number] = { ...BLANK, emails: [], phones: [], addresses: [], members: [], uid: "", memberUids: [] };
  const unknown: string[] = [];
  for (const property of card) {
    const take = TAKES[property.name];
    if (take) take(made, property);
    else if (KEPT_AS_NOTE.has(property.name) && property.value) unknown.push(`${property.name}: ${plain(property.value)}`);
  }
  if (unknown.length) made.note = [made.note, ...unknown].filter(Boolean).join("\n");
  if (!made.name) made.name = [made.given, made.surname].filter(Boolean).join(" ") || made.organization || made.nickname || made.emails[0]?.address || "";
  if (made.kind === "person" && !made.given && !made.surname && made.organization && made.name === made.organization) made.kind = "organization";
  return made;
}

const KEPT_AS_NOTE = new Set(["URL", "IMPP", "ANNIVERSARY", "ROLE", "LANG", "RELATED", "X-SKYPE", "X-ANNIVERSARY", "X-SOCIALPROFILE"]);

const TAKES: Record<string, (contact: Read["contacts"][number], property: Property) => void> = {
  FN: (contact, { value }) => (contact.name ||= plain(value).trim()),
  N: (contact, { value }) => {
    const [surname = "", given = "", middle = ""] = cut(value, ";").map((each) => cut(each, ",").map(plain).join(" ").trim());
    contact.surname ||= surname;
    contact.given ||= [given, middle].filter(Boolean).join(" ");
  },
  NICKNAME: (contact, { value }) => (contact.nickname ||= cut(value, ",").map(plain).join(", ")),
  ORG: (contact, { value }) => (contact.organization ||= cut(value, ";").map(plain).filter(Boolean).join(", ")),
  TITLE: (contact, { value }) => (contact.title ||= plain(value)),
  NOTE: (contact, { value }) => (contact.note = [contact.note, plain(value)].filter(Boolean).join("\n")),
  UID: (contact, { value }) => (contact.uid = plain(value).replace(/^urn:uuid:/i, "")),
  BDAY: (contact, { value }) => (contact.birthday = dateOf(value)),
  KIND: (contact, { value }) => takeKind(contact, value),
  "X-ADDRESSBOOKSERVER-KIND": (contact, { value }) => takeKind(contact, value),
  MEMBER: (contact, { value }) => contact.memberUids.push(value.replace(/^urn:uuid:/i, "")),
  "X-ADDRESSBOOKSERVER-MEMBER": (contact, { value }) => contact.memberUids.push(value.replace(/^urn:uuid:/i, "")),
  EMAIL: (contact, property) => {
    const address = plain(property.value).trim().replace(/^mailto:/i, "");
    if (address) contact.emails.push({ address, label: placeOf(property) });
  },
  TEL: (contact, property) => {
    const number = plain(property.value).trim().replace(/^tel:/i, "");
    const types = property.params.get("TYPE")?.map((each) => each.toLowerCase()) ?? [];
    if (number) contact.phones.push({ number, label: types.includes("cell") ? "mobile" : placeOf(property) });
  },
  ADR: (contact, property) => {
    const text = addressOf(property);
    if (text) contact.addresses.push({ text, label: placeOf(property) });
  },
};

function takeKind(contact: NewContact, value: string): void {
  const kind = value.trim().toLowerCase();
  if (kind === "group") contact.kind = "group";
  else if (kind === "org" || kind === "organization") contact.kind = "organization";
}

function placeOf({ params }: Property): "private" | "work" | "" {
  const types = params.get("TYPE")?.map((each) => each.toLowerCase()) ?? [];
  return types.includes("work") ? "work" : types.includes("home") ? "private" : "";
}

/** Lines as they are written on a letter: RFC 6350 §6.3.1, or LABEL where there is one. */
function addressOf({ params, value }: Property): string {
  const label = params.get("LABEL")?.join(",");
  if (label) return plain(label);
  const [box, extra, street, city, region, code, country] = cut(value, ";").map((each) => cut(each, ",").map(plain).join(", ").trim());
  return [street, extra, box, [code, city].filter(Boolean).join(" "), region, country].filter(Boolean).join("\n");
}

/** ISO date; without a year: --MM-DD, as RFC 6350 has it. */
function dateOf(value: string): string {
  const full = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(value.trim());
  if (full) return `${full[1]}-${full[2]}-${full[3]}`;
  const yearless = /^--(\d{2})-?(\d{2})/.exec(value.trim());
  return yearless ? `--${yearless[1]}-${yearless[2]}` : "";
}

// ------------------------------------------------------------------------------------------------ writing

export function writeVcards(contacts: Contact[], version: "4.0" | "3.0" = "4.0"): string {
  return contacts.map((each) => writeCard(each, version)).join("");
}

function writeCard(contact: Contact, version: "4.0" | "3.0"): string {
  const four = version === "4.0";
  const uid = (id: string) => (four ? `urn:uuid:${id}` : id);
  const lines = ["BEGIN:VCARD", `VERSION:${version}`, `UID:${uid(contact.id)}`, `FN:${escaped(contact.name)}`];
  if (contact.given || contact.surname || !four) lines.push(`N:${escaped(contact.surname)};${escaped(contact.given)};;;`);
  if (contact.kind !== "person") {
    const kind = contact.kind === "organization" ? "org" : contact.kind;
    lines.push(four ? `KIND:${kind}` : `X-ADDRESSBOOKSERVER-KIND:${kind}`);
  }
  if (contact.nickname) lines.push(`NICKNAME:${escaped(contact.nickname)}`);
  if (contact.organization) lines.push(`ORG:${escaped(contact.organization)}`);
  if (contact.title) lines.push(`TITLE:${escaped(contact.title)}`);
  for (const { address, label } of contact.emails) lines.push(`EMAIL${typeOf(label)}:${escaped(address)}`);
  for (const { number, label } of contact.phones) lines.push(`TEL${typeOf(label)}:${escaped(number)}`);
  for (const { text, label } of contact.addresses) lines.push(`ADR${typeOf(label)}:;;${escaped(text)};;;;`);
  if (contact.birthday && (four || !contact.birthday.startsWith("--"))) lines.push(`BDAY:${four ? basicDate(contact.birthday) : contact.birthday}`);
  if (contact.note) lines.push(`NOTE:${escaped(contact.note)}`);
  for (const member of contact.members) lines.push(`${four ? "MEMBER" : "X-ADDRESSBOOKSERVER-MEMBER"}:urn:uuid:${member}`);
  lines.push("END:VCARD");
  return `${lines.map(folded).join("\r\n")}\r\n`;
}

/** 19850412, --0412: RFC 6350 §4.3.1 knows no dashes between. */
function basicDate(date: string): string {
  return date.startsWith("--") ? `--${date.slice(2).replace("-", "")}` : date.replace(/-/g, "");
}

function typeOf(label: string): string {
  const type = { private: "home", work: "work", mobile: "cell" }[label];
  return type ? `;TYPE=${type}` : "";
}

function escaped(text: string): string {
  return text.replace(/[\\,;]/g, "\\$&").replace(/\r\n?|\n/g, "\\n");
}

const LINE_OCTETS = 75;

/** RFC 6350 §3.2: at most 75 octets, never inside a character. */
function folded(line: string): string {
  const encoder = new TextEncoder();
  let [text, room] = ["", LINE_OCTETS];
  for (const letter of line) {
    const octets = encoder.encode(letter).length;
    if (octets > room) {
      text += "\r\n ";
      room = LINE_OCTETS - 1;
    }
    text += letter;
    room -= octets;
  }
  return text;
}
