/** How mailboxes and people are called and drawn. */

import { mail, type Mailbox, type Person, type Role } from "../data";
import { listed, t } from "../texts";
import type { IconName } from "./pieces/icon";

export const ROLE_ICONS: Record<Role, IconName> = {
  inbox: "inbox",
  archive: "archive",
  drafts: "drafts",
  sent: "sent",
  trash: "trash",
  junk: "junk",
  snoozed: "clock",
  scheduled: "outbox",
  all: "allMail",
};

export function mailboxName(mailbox: Mailbox): string {
  return mailbox.role ? t(`role.${mailbox.role}`) : mailbox.name;
}

export function mailboxIcon(mailbox: Mailbox): IconName {
  return mailbox.role ? ROLE_ICONS[mailbox.role] : "folder";
}

/** What stands for it in the address: its role where it has one, so that addresses stay the same everywhere. */
export function mailboxSlug(mailbox: Mailbox): string {
  return mailbox.role ?? mailbox.id;
}

export function mailboxBySlug(slug: string): Mailbox | null {
  return mail.mailboxes.all.value?.find((each) => each.role === slug || each.id === slug) ?? null;
}

export function personName(person: Person): string {
  return person.name || person.email || t("person.unknown");
}

/** The first name where it is one, for lists of several people. */
export function shortName(person: Person): string {
  const name = personName(person);
  if (!person.name || name.includes(",")) return name;
  const words = name.split(/\s+/);
  return words.find((each) => !each.endsWith(".")) ?? name;
}

export function people(persons: Person[]): string {
  return persons.length > 3
    ? t("people.more", { names: persons.slice(0, 2).map(personName).join(", "), n: persons.length - 2 })
    : listed(persons.map(personName));
}

export function initials(person: Person): string {
  const words = personName(person)
    .replace(/["'<>()]/g, "")
    .split(/[\s.@_-]+/)
    .filter(Boolean);
  const letters = person.name ? [words[0], words.length > 1 ? words.at(-1) : ""] : [words[0]];
  return (
    letters
      .map((word) => [...(word ?? "")][0] ?? "")
      .join("")
      .toLocaleUpperCase() || "?"
  );
}

/** One of eight colours, the same for a person everywhere. */
export function faceColour(person: Person): number {
  let sum = 0;
  for (const letter of (person.email || person.name).toLowerCase()) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return sum % 8;
}
