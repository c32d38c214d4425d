/**
 * What is typed into the search field, as Gmail has it, and its German twin:
 *
 *     search  := either*                        all of them
 *     either  := term ("OR" term)*              "|" is OR; {a b} is either, too
 *     term    := ("-" | "NOT") term | "(" search ")" | operator ":" value | '"' phrase '"' | word
 *     value   := word | '"' phrase '"' | "(" search ")"
 *
 * Nothing that can be typed is an error: what makes no sense is searched as a word and marked `wrong`.
 */

import type { ParsedSearch, SearchPiece } from "../contract";
import { fold, words } from "./fold";

export type Operator =
  | "text" | "from" | "to" | "cc" | "bcc" | "subject" | "body" | "filename" | "has" | "is" | "in" | "larger" | "smaller" | "before"
  | "after" | "older_than" | "newer_than";

export interface Term { kind: "term"; operator: Operator; value: string; exact: boolean }
export type Tree = Term | { kind: "and" | "or"; parts: Tree[] } | { kind: "not"; part: Tree };

const OPERATORS: Record<string, Operator> = {
  from: "from", von: "from", to: "to", an: "to", cc: "cc", kopie: "cc", bcc: "bcc", blindkopie: "bcc",
  subject: "subject", betreff: "subject", body: "body", text: "body", filename: "filename", dateiname: "filename",
  has: "has", hat: "has", mit: "has", is: "is", ist: "is", in: "in", label: "in", etikett: "in", ordner: "in",
  larger: "larger", size: "larger", grosser: "larger", groesser: "larger", smaller: "smaller", kleiner: "smaller",
  before: "before", older: "before", vor: "before", after: "after", newer: "after", nach: "after", seit: "after",
  older_than: "older_than", alter_als: "older_than", aelter_als: "older_than",
  newer_than: "newer_than", neuer_als: "newer_than",
};

/** Values of `has:`, `is:`, `in:` in both languages, by their English name. */
const NAMES: Record<string, Record<string, string>> = {
  has: { attachment: "attachment", attachments: "attachment", anhang: "attachment", anhange: "attachment", anlage: "attachment" },
  is: {
    unread: "unread", ungelesen: "unread", neu: "unread", read: "read", gelesen: "read", starred: "starred", flagged: "starred",
    markiert: "starred", stern: "starred", answered: "answered", beantwortet: "answered", draft: "draft", entwurf: "draft",
    forwarded: "forwarded", weitergeleitet: "forwarded", snoozed: "snoozed", zuruckgestellt: "snoozed",
  },
  in: {
    inbox: "inbox", posteingang: "inbox", sent: "sent", gesendet: "sent", drafts: "drafts", draft: "drafts", entwurfe: "drafts",
    trash: "trash", papierkorb: "trash", spam: "junk", junk: "junk", archive: "archive", archiv: "archive", snoozed: "snoozed",
    zuruckgestellt: "snoozed", anywhere: "anywhere", uberall: "anywhere",
  },
};

export const nameOf = (operator: Operator, value: string): string | null => NAMES[operator]?.[fold(value)] ?? null;

interface Token { text: string; start: number; end: number; kind: "word" | "phrase" | "open" | "close" | "or" | "not" | "operator"; braces?: boolean }

/** Words that begin a term and their ends, one after the other. */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    const start = at;
    if (/\s/.test(char)) at++;
    else if ("(){}".includes(char)) found.push({ kind: "({".includes(char) ? "open" : "close", text: char, start, end: ++at, braces: char === "{" });
    else if (char === '"' || char === "“" || char === "„") {
      const end = text.slice(at + 1).search(/["”“]/);
      at = end < 0 ? text.length : at + end + 2;
      found.push({ kind: "phrase", text: text.slice(start + 1, end < 0 ? at : at - 1), start, end: at });
    } else if (char === "-" && /[^\s-]/.test(text[at + 1] ?? " ")) found.push({ kind: "not", text: char, start, end: ++at });
    else if (char === "|") found.push({ kind: "or", text: char, start, end: ++at });
    else {
      const operator = /^([\p{L}_]+):(?=\S)/u.exec(text.slice(at));
      if (operator && OPERATORS[fold(operator[1]!)]) {
        at += operator[0].length;
        found.push({ kind: "operator", text: OPERATORS[fold(operator[1]!)]!, start, end: at });
        // Its value is a word whatever it looks like: `subject:OR`, `in:from:`.
        const value = /^[^\s(){}"“„]+/.exec(text.slice(at));
        if (value) found.push({ kind: "word", text: value[0], start: at, end: (at += value[0].length) });
        continue;
      }
      const word = /^[^\s(){}"]+/.exec(text.slice(at))![0];
      at += word.length;
      const kind = word === "OR" || word === "ODER" ? "or" : word === "NOT" || word === "NICHT" ? "not" : "word";
      if (word !== "AND" && word !== "UND") found.push({ kind, text: word, start, end: at });
    }
  }
  return found;
}

export interface Parsed extends ParsedSearch { tree: Tree }

class Parser {
  private at = 0;
  readonly pieces: SearchPiece[] = [];
  readonly marks: string[] = [];
  private depth = 0;

  constructor(
    private readonly tokens: Token[],
    private readonly now: number,
  ) {}

  search(operator: Operator, not: boolean, either = false): Tree {
    const parts: Tree[] = [];
    let joined = false;
    while (this.at < this.tokens.length && this.tokens[this.at]!.kind !== "close") {
      if (this.tokens[this.at]!.kind === "or") {
        this.at++;
        joined = parts.length > 0;
        continue;
      }
      const term = this.term(operator, not);
      if (!term) continue;
      const before = parts.at(-1);
      if (joined && before) parts[parts.length - 1] = before.kind === "or" ? { kind: "or", parts: [...before.parts, term] } : { kind: "or", parts: [before, term] };
      else parts.push(term);
      joined = false;
    }
    return parts.length === 1 ? parts[0]! : { kind: either ? "or" : "and", parts };
  }

  private term(operator: Operator, not: boolean, from?: number): Tree | null {
    const token = this.tokens[this.at++]!;
    const start = from ?? token.start;
    if (token.kind === "not") {
      if (this.at >= this.tokens.length || this.tokens[this.at]!.kind === "close") return this.leaf(operator, token, not, start);
      const part = this.term(operator, !not, start);
      return part && { kind: "not", part };
    }
    if (token.kind === "open") return this.group(operator, not, token.braces ?? false);
    if (token.kind !== "operator") return this.leaf(operator, token, not, start);
    const next = this.tokens[this.at];
    if (!next || next.kind === "close") return null;
    this.at++;
    if (next.kind === "open") return this.group(token.text as Operator, not, next.braces ?? false);
    return this.leaf(token.text as Operator, next, not, start);
  }

  private group(operator: Operator, not: boolean, either: boolean): Tree | null {
    if (this.depth > 20) return null;
    this.depth++;
    const inner = this.search(operator, not, either);
    this.depth--;
    this.at++; // the bracket that closes it, if there is one
    return inner.kind !== "term" && inner.kind !== "not" && !inner.parts.length ? null : inner;
  }

  private leaf(operator: Operator, token: Token, not: boolean, start: number): Term | null {
    const exact = token.kind === "phrase";
    const wrong = !makesSense(operator, token.text, this.now);
    const used = wrong ? "text" : operator;
    this.pieces.push({ operator: operator === "text" ? "" : operator, value: token.text, not, start, end: token.end, wrong });
    if (!words(token.text) && (used === "text" || used === "subject" || used === "body")) return null;
    if (!not && (used === "text" || used === "subject" || used === "body" || used === "from" || used === "to")) {
      this.marks.push(...(exact ? [words(token.text).trim()] : words(token.text).trim().split(" ")).filter(Boolean));
    }
    return { kind: "term", operator: used, value: token.text, exact };
  }

  /** A bracket too many doesn't end the search. */
  whole(): Tree {
    const parts: Tree[] = [];
    while (this.at < this.tokens.length) {
      const part = this.search("text", false);
      if (part.kind === "term" || part.kind === "not" || part.parts.length) parts.push(part);
      this.at++;
    }
    return parts.length === 1 ? parts[0]! : { kind: "and", parts };
  }
}

function makesSense(operator: Operator, value: string, now: number): boolean {
  if (operator === "has" || operator === "is") return nameOf(operator, value) !== null;
  if (operator === "larger" || operator === "smaller") return sizeOf(value) !== null;
  if (operator === "before" || operator === "after") return dateOf(value, now) !== null;
  if (operator === "older_than" || operator === "newer_than") return spanOf(value, now) !== null;
  return true;
}

export function parse(text: string, now: number): Parsed {
  const parser = new Parser(tokens(text), now);
  const tree = parser.whole();
  return { text, tree, pieces: parser.pieces, marks: [...new Set(parser.marks)] };
}

// ------------------------------------------------------------------------------------- values

/** "10M", "500 kB", "1,5MB" in bytes. */
export function sizeOf(value: string): number | null {
  const found = /^(\d+(?:[.,]\d+)?)\s*([kmg]?)i?b?(?:ytes?)?$/i.exec(value.trim());
  if (!found) return null;
  const factor = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[found[2]!.toLowerCase()]!;
  return Math.round(parseFloat(found[1]!.replace(",", ".")) * factor);
}

/** The beginning of that day, month or year, by this device's clock. */
export function dateOf(value: string, now: number): number | null {
  const word = fold(value);
  const today = new Date(now);
  const days: Record<string, number> = { today: 0, heute: 0, yesterday: 1, gestern: 1, tomorrow: -1, morgen: -1 };
  if (word in days) return new Date(today.getFullYear(), today.getMonth(), today.getDate() - days[word]!).getTime();
  let found = /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$/.exec(word);
  if (found) return moment(+found[1]!, +(found[2] ?? 1), +(found[3] ?? 1));
  found = /^(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})?$/.exec(word);
  if (found) return moment(found[3] ? (found[3].length === 2 ? 2000 + +found[3] : +found[3]) : today.getFullYear(), +found[2]!, +found[1]!);
  found = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(word); // as Gmail reads it: month first
  return found ? moment(+found[3]!, +found[1]!, +found[2]!) : null;
}

function moment(year: number, month: number, day: number): number | null {
  const date = new Date(year, month - 1, day);
  const same = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day;
  return same && year >= 1970 && year < 2200 ? date.getTime() : null;
}

/** "3d", "2w", "6m", "1y" (German: t, w, m, j) before now. */
export function spanOf(value: string, now: number): number | null {
  const found = /^(\d{1,4})\s*(d|t|w|m|y|j|h)[a-z]*$/.exec(fold(value));
  if (!found) return null;
  const count = +found[1]!;
  const date = new Date(now);
  const unit = found[2]!;
  if (unit === "h") return now - count * 3_600_000;
  if (unit === "m") date.setMonth(date.getMonth() - count);
  else if (unit === "y" || unit === "j") date.setFullYear(date.getFullYear() - count);
  else date.setDate(date.getDate() - count * (unit === "w" ? 7 : 1));
  return date.getTime();
}
