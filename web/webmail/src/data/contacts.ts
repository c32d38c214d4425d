/** Contacts: JSContact (RFC 9553) on the wire, plain fields here. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Contact, ContactPort, Id, Suggestion } from "./contract";
import { outcome } from "./failures";
import type { Address } from "./jmap/types";
import type { Kept } from "./kept";
import type { Outbox } from "./outbox/outbox";
import { pointer, type Patch } from "./patches";
import { words } from "./search/fold";
import { freshId } from "./world";

type Card = Record<string, unknown> & { id: Id };
type Map_ = Record<string, Record<string, unknown>>;
type Fields = Omit<Contact, "id" | "pending">;

const KINDS: Record<string, Contact["kind"]> = { individual: "person", org: "organization", group: "group" };
const WRITTEN_TO = 500; // so many of the newest messages are looked through for people

export class Contacts {
  readonly all: ReadonlySignal<Contact[] | null>;
  private readonly byMail: ReadonlySignal<Map<string, Contact>>;
  private readonly searched: ReadonlySignal<{ contact: Contact; text: string }[]>;
  private readonly written: ReadonlySignal<{ name: string; email: string; text: string }[]>;

  constructor(
    private readonly kept: Kept,
    private readonly outbox: Outbox,
    me: () => string,
  ) {
    const cards = kept.things<Card>("ContactCard");
    this.all = computed(() => {
      if (!cards.value) return null;
      const ids = new Map([...cards.value.values()].map((each) => [String(each.uid), each.id]));
      const found = [...cards.value.values()].map((each) => {
        const contact = contactOf(each, kept.pendingObject("ContactCard", each.id));
        return contact.members.length ? { ...contact, members: contact.members.map((uid) => ids.get(uid) ?? uid) } : contact;
      });
      return found.sort((a, b) => a.name.localeCompare(b.name));
    });
    this.byMail = computed(() => new Map((this.all.value ?? []).flatMap((each) => each.emails.map((one) => [one.address.toLowerCase(), each]))));
    this.searched = computed(() => (this.all.value ?? []).map((contact) => ({
      contact, text: words([contact.name, contact.nickname, contact.organization, ...contact.emails.map((each) => each.address)].join(" ")),
    })));
    this.written = computed(() => {
      void kept.changed.value;
      const found = new Map<string, { name: string; email: string; count: number }>();
      let left = WRITTEN_TO;
      for (const email of kept.newestFirst()) {
        if (!email.from?.some((each) => each.email.toLowerCase() === me().toLowerCase())) continue;
        if (left-- <= 0) break;
        for (const { name, email: address } of [...(email.to ?? []), ...(email.cc ?? [])] as Address[]) {
          const before = found.get(address.toLowerCase());
          found.set(address.toLowerCase(), { name: before?.name || name || "", email: address, count: (before?.count ?? 0) + 1 });
        }
      }
      return [...found.values()].sort((a, b) => b.count - a.count).map(({ name, email }) => ({ name, email, text: words(`${name} ${email}`) }));
    });
  }

  find(text: string): Contact[] {
    const wanted = words(text).trimEnd();
    return this.searched.value.filter((each) => each.text.includes(wanted)).map((each) => each.contact);
  }

  suggest(text: string, limit = 8): Suggestion[] {
    const wanted = words(text).trimEnd();
    if (!wanted) return [];
    const found: Suggestion[] = [];
    const seen = new Set<string>();
    for (const { contact, text: own } of this.searched.value) {
      if (found.length >= limit) break;
      if (!own.includes(wanted)) continue;
      if (contact.kind === "group") {
        const people = this.members(contact);
        if (people.length) found.push({ people, label: contact.name, contact: contact.id });
        continue;
      }
      for (const { address } of contact.emails) {
        if (seen.has(address.toLowerCase())) continue;
        seen.add(address.toLowerCase());
        found.push({ people: [{ name: contact.name, email: address }], label: `${contact.name} <${address}>`, contact: contact.id });
      }
    }
    for (const each of this.written.value) {
      if (found.length >= limit) break;
      if (seen.has(each.email.toLowerCase()) || !each.text.includes(wanted)) continue;
      found.push({ people: [{ name: each.name, email: each.email }], label: each.name ? `${each.name} <${each.email}>` : each.email, contact: null });
    }
    return found.slice(0, limit);
  }

  port(): ContactPort {
    return {
      all: this.all,
      suggest: (text, limit) => this.suggest(text, limit),
      find: (text) => this.find(text),
      byAddress: (email) => this.byMail.value.get(email.toLowerCase()) ?? null,
      create: (contact) => outcome("unchanged", async () => {
        const id = freshId();
        const uid = `urn:uuid:${uuid()}`;
        const book = this.kept.baseObjects("AddressBook");
        const addressBook = book.find((each) => each.isDefault) ?? book[0];
        const card = { "@type": "Card", version: "1.0", uid, ...this.cardOf(contact), ...(addressBook ? { addressBookIds: { [addressBook.id]: true } } : {}) };
        await this.outbox.set("ContactCard", { create: { [id]: { id, ...card } } });
        return id;
      }),
      update: (id, patch) => outcome("unchanged", async () => {
        await this.outbox.set("ContactCard", { update: { [this.kept.real(id)]: this.patchOf(id, patch) } });
      }),
      remove: (ids) => outcome("unchanged", async () => {
        await this.outbox.set("ContactCard", { destroy: ids.map((id) => this.kept.real(id)) });
      }),
    };
  }

  private members(group: Contact): { name: string; email: string }[] {
    const all = new Map((this.all.value ?? []).map((each) => [each.id, each]));
    return group.members.flatMap((id) => {
      const each = all.get(id);
      return each?.emails[0] ? [{ name: each.name, email: each.emails[0].address }] : [];
    });
  }

  private cardOf(contact: Fields): Record<string, unknown> {
    return Object.fromEntries(Object.entries(fields(contact, (id) => this.uidOf(id))).filter(([, value]) => value !== null));
  }

  /** Only what changes: fields of other programs that aren't shown here stay, and so do changes made elsewhere. */
  private patchOf(id: Id, patch: Partial<Fields>): Patch {
    const card = this.kept.things<Card>("ContactCard").value?.get(this.kept.real(id));
    const before = card ? contactOf(card, false) : null;
    const whole = fields({ ...EMPTY, ...before, ...patch }, (one) => this.uidOf(one));
    const found: Patch = {};
    for (const name of touched(patch)) {
      const value = whole[name];
      const old = card?.[name];
      // Keys stay where the entry is the same, so that what else stands in it stays as well.
      if (isMap(value) && isMap(old) && name !== "name") Object.assign(found, differences(name, old, value));
      else found[name] = value ?? null;
    }
    return found;
  }

  private uidOf(id: Id): string {
    return String(this.kept.things<Card>("ContactCard").value?.get(this.kept.real(id))?.uid ?? id);
  }
}

const EMPTY: Fields = {
  kind: "person", name: "", given: "", surname: "", nickname: "", organization: "", title: "", emails: [], phones: [], addresses: [],
  birthday: "", note: "", members: [],
};

const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);

const PARTS: Partial<Record<keyof Fields, string>> = {
  kind: "kind", name: "name", given: "name", surname: "name", nickname: "nicknames", organization: "organizations", title: "titles",
  emails: "emails", phones: "phones", addresses: "addresses", birthday: "anniversaries", note: "notes", members: "members",
};
const touched = (patch: Partial<Fields>): string[] => [...new Set(Object.keys(patch).map((each) => PARTS[each as keyof Fields]!))];

function differences(name: string, old: Map_, value: Map_): Patch {
  const found: Patch = {};
  const main = (each: Record<string, unknown>) => String(each.address ?? each.number ?? each.name ?? each.full ?? each.note ?? JSON.stringify(each.date ?? each));
  const left = new Map(Object.entries(old).map(([key, each]) => [main(each), key]));
  let free = 1;
  for (const each of Object.values(value)) {
    const key = left.get(main(each));
    if (key !== undefined) {
      left.delete(main(each));
      if (JSON.stringify(old[key]!.contexts ?? null) !== JSON.stringify(each.contexts ?? null)) found[pointer(name, key, "contexts")] = each.contexts ?? null;
      continue;
    }
    while (`k${free}` in old || pointer(name, `k${free}`) in found) free++;
    found[pointer(name, `k${free}`)] = each;
  }
  for (const key of left.values()) found[pointer(name, key)] = null;
  return found;
}

const numbered = <T>(list: T[], make: (each: T) => Record<string, unknown>): Map_ | null =>
  list.length ? Object.fromEntries(list.map((each, index) => [`k${index + 1}`, make(each)])) : null;

const contexts = (label: string) => (label === "work" || label === "private" ? { contexts: { [label]: true } } : {});

function fields(contact: Fields, uidOf: (id: Id) => string): Record<string, unknown> {
  const components = [
    ...(contact.given ? [{ kind: "given", value: contact.given }] : []), ...(contact.surname ? [{ kind: "surname", value: contact.surname }] : []),
  ];
  const full = contact.name || [contact.given, contact.surname].filter(Boolean).join(" ");
  const date = /^(\d{4})-(\d\d)-(\d\d)$/.exec(contact.birthday);
  return {
    kind: contact.kind === "organization" ? "org" : contact.kind === "group" ? "group" : "individual",
    name: { ...(components.length ? { components, isOrdered: true } : {}), ...(full ? { full } : {}) },
    nicknames: contact.nickname ? { k1: { name: contact.nickname } } : null,
    organizations: contact.organization ? { k1: { name: contact.organization } } : null,
    titles: contact.title ? { k1: { name: contact.title } } : null,
    emails: numbered(contact.emails, (each) => ({ address: each.address, ...contexts(each.label) })),
    phones: numbered(contact.phones, (each) => ({ number: each.number, ...(each.label === "mobile" ? { features: { mobile: true } } : contexts(each.label)) })),
    addresses: numbered(contact.addresses, (each) => ({ full: each.text, ...contexts(each.label) })),
    anniversaries: date ? { k1: { kind: "birth", date: { "@type": "PartialDate", year: +date[1]!, month: +date[2]!, day: +date[3]! } } } : null,
    notes: contact.note ? { k1: { note: contact.note } } : null,
    members: contact.kind === "group" ? Object.fromEntries(contact.members.map((id) => [uidOf(id), true])) : null,
  };
}

function contactOf(card: Card, pending: boolean): Contact {
  const map = (name: string) => Object.values((card[name] ?? {}) as Map_);
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const name = (card.name ?? {}) as { full?: string; components?: { kind: string; value: string }[] };
  const part = (kind: string) => (name.components ?? []).filter((each) => each.kind === kind).map((each) => each.value).join(" ");
  const label = (each: Record<string, unknown>): "private" | "work" | "" => {
    const where = (each.contexts ?? {}) as Record<string, boolean>;
    return where.work ? "work" : where.private ? "private" : "";
  };
  const joined = name.full ?? (name.components ?? []).map((each) => each.value).join(" ");
  const organization = text(map("organizations")[0]?.name);
  const emails = map("emails").map((each) => ({ address: text(each.address), label: label(each) }));
  const birth = map("anniversaries").find((each) => each.kind === "birth")?.date as { year?: number; month?: number; day?: number; utc?: string } | undefined;
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    id: card.id, kind: KINDS[text(card.kind)] ?? "person", name: joined || organization || emails[0]?.address || "", given: part("given"),
    surname: part("surname"), nickname: text(map("nicknames")[0]?.name), organization, title: text(map("titles")[0]?.name), emails,
    phones: map("phones").map((each) => ({ number: text(each.number), label: (each.features as Record<string, boolean> | undefined)?.mobile ? "mobile" as const : label(each) })),
    addresses: map("addresses").map((each) => ({ text: text(each.full) || ((each.components ?? []) as { value: string }[]).map((one) => one.value).join(" "), label: label(each) })),
    birthday: birth?.year && birth.month && birth.day ? `${birth.year}-${two(birth.month)}-${two(birth.day)}` : text(birth?.utc).slice(0, 10),
    note: map("notes").map((each) => text(each.note)).join("\n"), members: Object.keys((card.members ?? {}) as object), pending,
  };
}

function uuid(): string {
  const hex = freshId("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
