/**
 * The same search over what is on this device. Each Email is a few folded strings, made once; a search is a test
 * of strings, so a keystroke over ten thousand messages is a walk through some megabytes of memory.
 */

import type { Id } from "../contract";
import type { KeptEmail, KeptText } from "../database";
import type { Address } from "../jmap/types";
import { hiddenBy, KEYWORDS, mailboxesNamed, type Place } from "./filter";
import { fold, words } from "./fold";
import { dateOf, nameOf, sizeOf, spanOf, type Term, type Tree } from "./parse";

interface Folded { of: KeptEmail; from: string; to: string; cc: string; subject: string; preview: string; all: string }

const people = (list: Address[] | null): string => (list ? words(list.map((each) => `${each.name ?? ""} ${each.email}`).join(" ")) : "");

export type Test = (email: KeptEmail) => boolean;

export class Searched {
  private readonly folded = new Map<Id, Folded>();
  private readonly texts = new Map<Id, Omit<KeptText, "id">>();

  /** What is known of a message by its body; null: it isn't here any more. */
  setText(id: Id, text: Omit<KeptText, "id"> | null): void {
    if (text) this.texts.set(id, text);
    else this.texts.delete(id);
  }

  /** Before it is needed: folding is what takes the time. */
  prepare(email: KeptEmail): void {
    this.get(email);
  }

  test(tree: Tree, place: Place, mailbox: Id | null): Test {
    const test = this.compile(tree, place);
    if (mailbox) return (email) => mailbox in email.mailboxIds && test(email);
    const apart = new Set(hiddenBy(tree, place));
    if (!apart.size) return test;
    return (email) => Object.keys(email.mailboxIds).some((id) => !apart.has(id)) && test(email);
  }

  private compile(tree: Tree, place: Place): Test {
    if (tree.kind === "term") return this.leaf(tree, place);
    if (tree.kind === "not") {
      const test = this.compile(tree.part, place);
      return (email) => !test(email);
    }
    const tests = tree.parts.map((each) => this.compile(each, place));
    return tree.kind === "or" ? (email) => tests.some((test) => test(email)) : (email) => tests.every((test) => test(email));
  }

  private leaf(term: Term, place: Place): Test {
    const { operator, value } = term;
    switch (operator) {
      case "has": return (email) => email.hasAttachment;
      case "larger": { const size = sizeOf(value)!; return (email) => email.size > size; }
      case "smaller": { const size = sizeOf(value)!; return (email) => email.size < size; }
      case "before": { const time = -dateOf(value, place.now)!; return (email) => email.age > time; }
      case "after": { const time = -dateOf(value, place.now)!; return (email) => email.age <= time; }
      case "older_than": { const time = -spanOf(value, place.now)!; return (email) => email.age > time; }
      case "newer_than": { const time = -spanOf(value, place.now)!; return (email) => email.age <= time; }
      case "is": {
        const name = nameOf("is", value)!;
        if (name === "snoozed") return inOne(place.mailboxes.filter((each) => each.role === "snoozed").map((each) => each.id));
        const [keyword, has] = KEYWORDS[name]!;
        return (email) => (keyword in email.keywords) === has;
      }
      case "in": return nameOf("in", value) === "anywhere" ? () => true : inOne(mailboxesNamed(value, place).map((each) => each.id));
      default: return this.wordTest(term, place);
    }
  }

  private wordTest({ operator, value, exact }: Term, place: Place): Test {
    const me = ["me", "mich", "mir"].includes(fold(value)) && ["from", "to", "cc", "bcc"].includes(operator);
    const folded = words(me ? place.me : value);
    const wanted = folded.trim();
    // What is being typed is the beginning of a word; a phrase is whole.
    const whole = exact || me;
    if (!wanted) return () => true;
    switch (operator) {
      case "from": return (email) => hasWord(this.get(email).from, wanted, whole);
      case "to": return (email) => hasWord(this.get(email).to, wanted, whole);
      case "cc": return (email) => hasWord(this.get(email).cc, wanted, whole);
      case "bcc": return (email) => hasWord(this.texts.get(email.id)?.bcc ?? "", wanted, whole);
      case "filename": return (email) => hasWord(this.texts.get(email.id)?.names ?? "", wanted, whole);
      case "subject": return (email) => hasWord(this.get(email).subject, wanted, whole);
      case "body": return (email) => this.bodyHas(email, wanted, whole);
      default: return (email) => hasWord(this.get(email).all, wanted, whole) || this.bodyHas(email, wanted, whole);
    }
  }

  private bodyHas(email: KeptEmail, wanted: string, whole: boolean): boolean {
    return hasWord(this.texts.get(email.id)?.text ?? this.get(email).preview, wanted, whole);
  }

  private get(email: KeptEmail): Folded {
    const known = this.folded.get(email.id);
    // Keywords and mailboxes change, these words don't.
    if (known && (known.of === email || (known.of.subject === email.subject && known.of.preview === email.preview))) return known;
    const [from, to, cc, subject] = [people(email.from), people(email.to), people(email.cc), words(email.subject ?? "")];
    // Two blanks: no phrase goes over from one field to the next.
    const made: Folded = { of: email, from, to, cc, subject, preview: words(email.preview), all: [subject, from, to, cc].join(" ") };
    this.folded.set(email.id, made);
    return made;
  }
}

/** A word that begins so. Longer ones are looked for without the blank before, which stands at every other place. */
function hasWord(text: string, wanted: string, whole: boolean): boolean {
  if (wanted.length < SHORT) return text.includes(whole ? ` ${wanted} ` : ` ${wanted}`);
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (text.charCodeAt(at - 1) === BLANK && (!whole || text.charCodeAt(at + wanted.length) === BLANK)) return true;
  }
  return false;
}

const BLANK = 32;
const SHORT = 4;

function inOne(ids: Id[]): Test {
  return (email) => ids.some((id) => id in email.mailboxIds);
}
