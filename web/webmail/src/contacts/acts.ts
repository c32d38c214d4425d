/** What is done with contacts, and said about it. */

import { type Contact, mail, type Person } from "../data";
import { t } from "../texts";
import { toast } from "../ui/pieces/toast";
import { tell } from "../ui/problem";
import { go } from "../ui/router";
import { writeAddress } from "../compose/addresses";
import { BLANK } from "./vcard";

/** For the field of recipients: the first address of each; groups are their members. */
export function writeTo(contacts: Contact[], all: Contact[]): string {
  const people = contacts.flatMap((each) => (each.kind === "group" ? membersOf(each, all) : [each]));
  return people
    .filter((each) => each.emails[0])
    .map((each) => writeAddress({ name: each.name, email: each.emails[0]?.address ?? "" }))
    .join(", ");
}

export function membersOf(group: Contact, all: Contact[]): Contact[] {
  return all.filter((each) => group.members.includes(each.id));
}

export async function addMembers(group: Contact, more: Contact[]): Promise<void> {
  const ids = more.filter((each) => each.kind !== "group").map((each) => each.id);
  const outcome = await mail.contacts.update(group.id, { members: [...new Set([...group.members, ...ids])] });
  if (!outcome.ok) return tell(outcome.problem);
  toast({ text: t("contacts.addedToGroup", { n: ids.length, name: group.name }), undo: () => mail.contacts.update(group.id, { members: group.members }) });
}

/** Undone by making them again: the ids are new, groups get them back. */
export async function removeContacts(gone: Contact[]): Promise<void> {
  const groups = (mail.contacts.all.peek() ?? []).filter((each) => each.kind === "group" && !gone.includes(each));
  const outcome = await mail.contacts.remove(gone.map((each) => each.id));
  if (!outcome.ok) return tell(outcome.problem);
  go({ view: "contacts" }, true);
  toast({ text: t("contacts.deleted", { n: gone.length }), undo: () => bringBack(gone, groups) });
}

async function bringBack(gone: Contact[], groups: Contact[]): Promise<void> {
  const fresh = new Map<string, string>();
  for (const contact of gone) {
    const { id, pending: _, ...kept } = contact;
    const outcome = await mail.contacts.create(kept);
    if (!outcome.ok) return tell(outcome.problem);
    fresh.set(id, outcome.value);
  }
  for (const group of groups) {
    if (!group.members.some((each) => fresh.has(each))) continue;
    await mail.contacts.update(group.id, { members: group.members.map((each) => fresh.get(each) ?? each) });
  }
}

/** A sender becomes a contact; one that is there already is shown. */
export async function addContact(person: Person): Promise<void> {
  const there = mail.contacts.byAddress(person.email);
  if (there) return go({ view: "contacts", contact: there.id });
  const name = person.name.trim() || person.email;
  const words = person.name.trim().split(/\s+/).filter(Boolean);
  const outcome = await mail.contacts.create({
    ...BLANK,
    name,
    given: words.slice(0, -1).join(" "),
    surname: words.length > 1 ? (words.at(-1) ?? "") : "",
    emails: [{ address: person.email, label: "" }],
  });
  if (!outcome.ok) return tell(outcome.problem);
  const id = outcome.value;
  toast({ text: t("contacts.added", { name }), action: { text: t("contacts.look"), run: () => go({ view: "contacts", contact: id }) } });
}
