/** What the search field offers at the cursor. */

import type { Mailbox } from "../contract";
import { fold } from "./fold";

type Offer = { insert: string; start: number; end: number; hint: string };

const OPERATORS: Record<"de" | "en", string[]> = {
  en: ["from:", "to:", "cc:", "subject:", "has:attachment", "is:unread", "is:starred", "in:", "larger:", "smaller:", "before:", "after:", "older_than:", "newer_than:", "filename:"],
  de: ["von:", "an:", "cc:", "betreff:", "hat:anhang", "ist:ungelesen", "ist:markiert", "in:", "größer:", "kleiner:", "vor:", "nach:", "älter_als:", "neuer_als:", "dateiname:"],
};
const PEOPLE = /^(from|von|to|an|cc|bcc):$/;
const PLACES = /^(in|label|etikett|ordner):$/;
const MOST = 8;

export function complete(text: string, cursor: number, language: "de" | "en", mailboxes: Mailbox[], addresses: (text: string) => string[]): Offer[] {
  const before = text.slice(0, cursor);
  const start = before.search(/[^\s(){}]*$/);
  const word = before.slice(start);
  const minus = word.startsWith("-") ? "-" : "";
  const typed = fold(word.slice(minus.length));
  const colon = typed.indexOf(":");
  const end = cursor + (/^[^\s(){}]*/.exec(text.slice(cursor))?.[0].length ?? 0);
  const offer = (insert: string, hint = ""): Offer => ({ insert: minus + insert, start, end, hint });
  if (colon >= 0) {
    const operator = word.slice(minus.length, minus.length + colon + 1);
    const value = typed.slice(colon + 1);
    if (PEOPLE.test(fold(operator))) return addresses(value).slice(0, MOST).map((each) => offer(operator + each));
    if (PLACES.test(fold(operator))) {
      return mailboxes.filter((each) => fold(each.name).startsWith(value)).slice(0, MOST)
        .map((each) => offer(operator + (/\s/.test(each.name) ? `"${each.name}"` : each.name), each.path.join(" / ")));
    }
    if (typed.length === colon + 1) return OPERATORS[language].filter((each) => fold(each).startsWith(typed)).map((each) => offer(each));
  }
  if (!typed) return OPERATORS[language].slice(0, MOST).map((each) => offer(each));
  return OPERATORS[language].filter((each) => fold(each).startsWith(typed)).slice(0, MOST).map((each) => offer(each));
}
