/** A plain text body as elements: made of text nodes only, so there is nothing to clean. */

import { linkified } from "./address";
import { type Line, lines } from "./flowed";
import { folded } from "./quotes";

const FOLD_FROM = 3; // lines: a shorter quote belongs to the answer below it

export interface PlainText {
  text: string;
  flowed: boolean;
  delSp: boolean;
}

export function render(document: Document, plain: PlainText, quoteLabel: string): HTMLElement {
  const body = document.createElement("div");
  body.className = "hf-text";
  const all = lines(plain.text, plain.flowed, plain.delSp);
  while (all.length > 1 && isEmpty(all.at(-1))) all.pop();
  body.append(...blocks(document, all, 0, quoteLabel, all.some((each) => each.depth === 0 && !isEmpty(each))));
  return body;
}

function isEmpty(line: Line | undefined): boolean {
  return !line?.text.trim();
}

/** Lines of this depth as they are, deeper ones as quotes. */
function blocks(document: Document, all: Line[], depth: number, label: string, folds: boolean): Node[] {
  const made: Node[] = [];
  for (let at = 0; at < all.length; ) {
    const isQuote = (all[at]?.depth ?? 0) > depth;
    let end = at;
    while (end < all.length && (all[end]?.depth ?? 0) > depth === isQuote) end += 1;
    const run = all.slice(at, end);
    if (isQuote) {
      const quote = document.createElement("blockquote");
      quote.append(...blocks(document, run, depth + 1, label, false));
      made.push(folds && run.length >= FOLD_FROM ? folded(document, label, [quote]) : quote);
    } else made.push(paragraph(document, run));
    at = end;
  }
  return made;
}

function paragraph(document: Document, run: Line[]): HTMLElement {
  const block = document.createElement("div");
  run.forEach((line, number) => {
    if (number) block.append("\n");
    for (const piece of linkified(line.text)) block.append(piece.href ? link(document, piece.text, piece.href) : piece.text);
  });
  return block;
}

function link(document: Document, text: string, href: string): HTMLElement {
  const made = document.createElement("a");
  made.textContent = text;
  made.href = href;
  made.target = "_blank";
  made.rel = "noopener noreferrer nofollow";
  return made;
}
