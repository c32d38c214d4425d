/** A search as the server understands it: a filter of Email/query. RFC 8621 §4.4.1 */

import type { Id, Mailbox } from "../contract";
import { fold } from "./fold";
import { dateOf, nameOf, sizeOf, spanOf, type Term, type Tree } from "./parse";

export type Filter = Record<string, unknown>;

/** `byName`: whether the server knows the condition attachmentName. */
export interface Place { mailboxes: Mailbox[]; me: string; now: number; byName: boolean }

const KEYWORDS: Record<string, [string, boolean]> = {
  unread: ["$seen", false], read: ["$seen", true], starred: ["$flagged", true], answered: ["$answered", true],
  draft: ["$draft", true], forwarded: ["$forwarded", true],
};

export function filterOf(tree: Tree, place: Place, mailbox: Id | null): Filter | null {
  const parts: Filter[] = [];
  const found = convert(tree, place);
  if (found) parts.push(found);
  if (mailbox) parts.push({ inMailbox: mailbox });
  else {
    const apart = hiddenBy(tree, place);
    if (apart.length) parts.push({ inMailboxOtherThan: apart });
  }
  return parts.length > 1 ? { operator: "AND", conditions: parts } : parts[0] ?? null;
}

/** Trash and junk are searched only when they are asked for. */
export function hiddenBy(tree: Tree, place: Place): Id[] {
  const named = mentioned(tree, place);
  if (named.has("anywhere")) return [];
  return place.mailboxes.filter((each) => (each.role === "trash" || each.role === "junk") && !named.has(each.id)).map((each) => each.id);
}

function mentioned(tree: Tree, place: Place): Set<string> {
  if (tree.kind === "not") return new Set();
  if (tree.kind !== "term") return new Set(tree.parts.flatMap((each) => [...mentioned(each, place)]));
  if (tree.operator !== "in") return new Set();
  if (nameOf("in", tree.value) === "anywhere") return new Set(["anywhere"]);
  return new Set(mailboxesNamed(tree.value, place).map((each) => each.id));
}

/** By role, by name, by path with slashes; blanks may be written as hyphens. */
export function mailboxesNamed(value: string, place: Place): Mailbox[] {
  const role = nameOf("in", value);
  const byRole = place.mailboxes.filter((each) => each.role !== null && each.role === role);
  if (byRole.length) return byRole;
  const same = (text: string) => fold(text).replace(/[\s_-]+/g, "-");
  const wanted = same(value);
  return place.mailboxes.filter((each) => same(each.name) === wanted || same(each.path.join("/")) === wanted);
}

function convert(tree: Tree, place: Place): Filter | null {
  if (tree.kind === "term") return condition(tree, place);
  if (tree.kind === "not") {
    const part = convert(tree.part, place);
    return part && { operator: "NOT", conditions: [part] };
  }
  const conditions = tree.parts.map((each) => convert(each, place)).filter((each): each is Filter => each !== null);
  if (conditions.length < 2) return conditions[0] ?? null;
  return { operator: tree.kind === "or" ? "OR" : "AND", conditions };
}

const nothing: Filter = { operator: "AND", conditions: [{ hasKeyword: "$seen" }, { notKeyword: "$seen" }] };

function condition(term: Term, place: Place): Filter | null {
  const { operator, value } = term;
  const text = term.exact ? `"${value.replace(/["\\]/g, " ")}"` : value;
  switch (operator) {
    case "from": case "to": case "cc": case "bcc":
      return { [operator]: fold(value) === "me" || fold(value) === "mich" || fold(value) === "mir" ? place.me : text };
    case "has": return { hasAttachment: true };
    case "filename": return place.byName ? { attachmentName: text } : { hasAttachment: true, text };
    case "larger": return { minSize: sizeOf(value)! + 1 };
    case "smaller": return { maxSize: sizeOf(value)! };
    case "before": return { before: utc(dateOf(value, place.now)!) };
    case "after": return { after: utc(dateOf(value, place.now)!) };
    case "older_than": return { before: utc(spanOf(value, place.now)!) };
    case "newer_than": return { after: utc(spanOf(value, place.now)!) };
    case "is": {
      const name = nameOf("is", value)!;
      if (name === "snoozed") return inAny(place.mailboxes.filter((each) => each.role === "snoozed"));
      const [keyword, has] = KEYWORDS[name]!;
      return has ? { hasKeyword: keyword } : { notKeyword: keyword };
    }
    case "in": return nameOf("in", value) === "anywhere" ? null : inAny(mailboxesNamed(value, place));
    default: return { [operator]: text };
  }
}

function inAny(mailboxes: Mailbox[]): Filter {
  if (!mailboxes.length) return nothing;
  if (mailboxes.length === 1) return { inMailbox: mailboxes[0]!.id };
  return { operator: "OR", conditions: mailboxes.map((each) => ({ inMailbox: each.id })) };
}

const utc = (time: number): string => new Date(time).toISOString().slice(0, 19) + "Z";
export { KEYWORDS };
